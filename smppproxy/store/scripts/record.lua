-- args: provider, ttl, final ttl for what was parked, ids packed, {map from "want" on, ...} of these,
-- {id, map, ...} of maps that are more than a plain one (false: none), whether this process records
-- for the provider for the first time. Result: {outcome, queue, outcome, queue, ...} of the receipts
-- released; where queues lost something: {those, drops}; where none was released and all of the plain
-- maps are there now just as they came, and nothing else: when these end.
local done = kept_packed()
if done then return done end
local provider, ttl, final_ttl, packed_ids, statics, wide, is_first = unpack(args)
local ids, expiry = cmsgpack.unpack(packed_ids), now + ttl
local head = '\4' .. struct.pack('>I', expiry)
local maps_key, ends_key = prefix .. 'mm:' .. provider, prefix .. 'me:' .. provider

-- Those that are not as simple: another map is under the id, or comes with it.
local taken = {}

local function write_plain(first, last)
  local found, changes, to = call('HMGET', maps_key, unpack(ids, first, last)), {maps_key}, 1
  for i = first, last do
    if found[i - first + 1] then
      taken[#taken + 1] = i
    else
      changes[to + 1], changes[to + 2] = ids[i], head .. statics[i]
      to = to + 2
    end
  end
  if to == 1 or call('HSET', unpack(changes)) == (to - 1) / 2 then return end
  local known = {}
  for i = last, first, -1 do
    if known[ids[i]] then taken[#taken + 1] = i end
    known[ids[i]] = true
  end
end

for first = 1, #ids, 1000 do write_plain(first, math.min(first + 999, #ids)) end
if #ids > 0 then call('ZADD', ends_key, expiry, packed_ids) end

local is_awaited = call('EXISTS', prefix .. 'pi:' .. provider) == 1
local ended = call('ZRANGEBYSCORE', ends_key, '-inf', now, 'LIMIT', 0, 6)
if #taken + #ended == 0 and not (is_awaited or wide or is_first) then return cmsgpack.pack(expiry) end
