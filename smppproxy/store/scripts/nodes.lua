-- Who is there: nodes, a hash of node and process by what it said, and when.
-- args: what, seconds for which a node is known, what it says, whether that is its first word.
local what, known, facts, first = unpack(args)
local key = prefix .. 'nodes'
local mine = node .. '\0'
local process = mine .. instance

local function drop_former()
  for _, name in ipairs(call('HKEYS', key)) do
    if string.sub(name, 1, #mine) == mine then call('HDEL', key, name) end
  end
end

local namesake = 0
local result = {}
if what == 'leave' then call('HDEL', key, process) end
if what == 'beat' then
  -- A process of this node's name that was here before is no more, or beats again.
  if first then drop_former() end
  call('HSET', key, process, cmsgpack.pack({now_ms, facts}))
  call('EXPIRE', key, known * 2)
end
local all = call('HGETALL', key)
for i = 1, #all, 2 do
  local good, at, said = pcall(function() return unpack(cmsgpack.unpack(all[i + 1])) end)
  if not good or now_ms - at > known * 1000 then
    call('HDEL', key, all[i])
  else
    if string.sub(all[i], 1, #mine) == mine and all[i] ~= process then namesake = 1 end
    result[#result + 1] = all[i]
    result[#result + 1] = now_ms - at
    result[#result + 1] = said
  end
end
if what == 'beat' then return cmsgpack.pack(namesake) end
if what == 'leave' then return cmsgpack.pack(0) end
return cmsgpack.pack(result)
