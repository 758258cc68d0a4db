-- Parts of budgets: s:budget, a hash of node and process with {held, wanted, end in ms}.
-- args: ttl in ms, even part, {budget, limit, wanted, held} ..., budgets given up.
-- Result: {rate, target, others} of each. May be tried again without harm.
local ttl, even, rows, gone = args[1], args[2], args[3], args[4]
local mine = node .. '\0'
local me = mine .. instance

local function others_of(key)
  local count, held, wanted = 0, 0, 0
  local all = call('HGETALL', key)
  for i = 1, #all, 2 do
    local whose = all[i]
    if whose ~= me then
      local theirs = cmsgpack.unpack(all[i + 1])
      if theirs[3] <= now_ms or string.sub(whose, 1, #mine) == mine then
        call('HDEL', key, whose)
      else
        count = count + 1
        held = held + theirs[1]
        wanted = wanted + theirs[2]
      end
    end
  end
  return count, held, wanted
end

for _, name in ipairs(gone) do call('HDEL', prefix .. 's:' .. name, me) end
local result = {}
for at, row in ipairs(rows) do
  local name, limit, wanted, held = unpack(row)
  local key = prefix .. 's:' .. name
  local count, theirs, they_want = others_of(key)
  local part = 1 / (count + 1)
  if wanted + they_want > 0 then part = wanted / (wanted + they_want) end
  local target = limit * (even / (count + 1) + (1 - even) * part)
  local rate = math.max(0, math.min(target, limit - theirs))
  call('HSET', key, me, cmsgpack.pack({math.max(rate, held), wanted, now_ms + ttl}))
  call('PEXPIRE', key, ttl)
  result[at] = {rate, target, count}
end
return cmsgpack.pack(result)
