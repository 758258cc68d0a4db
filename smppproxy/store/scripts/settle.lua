-- What nearly all receipts are, as the node has read their maps: the final ones of plain maps that
-- nothing has come for.
-- args: provider, final ttl, the time at which the first of the maps ends, the SHA-1 of all the maps as
-- the node has read them, in hex, {state, ids packed, ...},
-- {account, number, bundle, most that its queue holds (-1: as the limits say), whether the node takes
-- all of it at once, ...}.
-- Result: {{bundle that is in the node's hands, or false, ...}, {queue, how many it lost, ...}};
-- false: nothing was done, for it is not so any more.
local provider, final_ttl, first_end, digest, said, bundles = unpack(args)
local in_hand, is_within = {}, true

-- Whether a bundle that the first try handed out still is as it was then: others may have adopted it.
local function is_mine(account, id)
  local _, hands = keys_of(account)
  local packed = call('HGET', hands, id)
  local state = packed and cmsgpack.unpack(packed)
  return state and #state == 4 and state[2] == node and not string.find(state[1], '[^\1]')
end

local done = kept()
if done then
  for i, id in ipairs(done[1]) do
    done[1][i] = id and is_mine(bundles[5 * i - 4], id) and id
  end
  return cmsgpack.pack(done)
end

local ends, ids_of_state, maps = now + final_ttl, {}, {}
local maps_key, states_key = prefix .. 'mm:' .. provider, prefix .. 'ms:' .. provider
if first_end <= now or first_end < ends then return cmsgpack.pack(false) end
for i = 1, #said, 2 do
  local ids = cmsgpack.unpack(said[i + 1])
  local found = call('HMGET', states_key, unpack(ids))
  for j = 1, #found do
    if found[j] then return cmsgpack.pack(false) end
  end
  ids_of_state[i] = ids
  found = call('HMGET', maps_key, unpack(ids))
  for j = 1, #found do maps[#maps + 1] = found[j] or '' end
end
if redis.sha1hex(table.concat(maps)) ~= digest then return cmsgpack.pack(false) end

local end_packed = struct.pack('>I', ends)
for i = 1, #said, 2 do
  local ids, state, changes = ids_of_state[i], string.char(said[i] + 1) .. end_packed, {}
  for j = 1, #ids do
    changes[2 * j - 1] = ids[j]
    changes[2 * j] = state
  end
  call('HSET', states_key, unpack(changes))
  call('ZADD', prefix .. 'me:' .. provider, ends, said[i + 1])
end

-- In the node's hands at once, if it takes it and nothing else waits.
local function add(account, number, packed, most, is_taken)
  local key, hands = keys_of(account)
  local id, known = call('XADD', key, '*', number, packed), call('HMGET', hands, 'n', 'at')
  local count, at = tonumber(known[1] or '0') + number, known[2]
  local others = call('XLEN', prefix .. 'q:r:' .. account)
  if count + others > (most < 0 and limit('r:' .. account) or most) then is_within = false end
  if is_taken and others == 0 and
     #call('XRANGE', key, at and '(' .. at or '-', '(' .. id, 'COUNT', 1) == 0 then
    local state = cmsgpack.pack({string.rep('\1', number), node, now_ms, 1})
    call('HSET', hands, 'n', count, 'at', id, id, state)
    return id
  end
  call('HSET', hands, 'n', count)
  return false
end

for i = 1, #bundles, 5 do in_hand[#in_hand + 1] = add(unpack(bundles, i, i + 4)) end
if is_within then return keep({in_hand, {}}) end
