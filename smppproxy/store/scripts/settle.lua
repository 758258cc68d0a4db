-- What nearly all receipts are, as the node has read their maps: the final ones of plain maps that
-- nothing has come for.
-- args: provider, final ttl, the time at which the first of the maps ends, the SHA-1 of all the maps as
-- the node has read them, in hex, {state, ids packed, ...},
-- {account, number, bundle, most that its queue holds (-1: as the limits say), ...}.
-- Result: {queue, how many it lost, ...}; false: nothing was done, for it is not so any more.
local done = kept_packed()
if done then return done end
local provider, final_ttl, first_end, digest, said, bundles = unpack(args)
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

local is_within = true
for i = 1, #bundles, 4 do
  local account, number, packed, most = unpack(bundles, i, i + 3)
  local key, hands = keys_of(account)
  call('XADD', key, '*', number, packed)
  local count = call('HINCRBY', hands, 'n', number) + call('XLEN', prefix .. 'q:r:' .. account)
  if count > (most < 0 and limit('r:' .. account) or most) then is_within = false end
end
if is_within then return keep({}) end
