-- Equal tails, or the whole of a short number at the end of a longer one; '' says nothing.
local function fits(mine, theirs)
  if mine == theirs or theirs == '' then return true end
  if #mine > #theirs then mine, theirs = theirs, mine end
  return #mine >= 6 and string.sub(theirs, -#mine) == mine
end
