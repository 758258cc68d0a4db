-- Maps whose time is over. ended: some of what me:provider has up to now.

-- When the maps under an id end; nil: there is nothing.
local function end_under(value, told)
  if told and told ~= '\255' then return (struct.unpack('>I', told, 2)) end
  if value then return latest_end(maps_of(value)) end
  return told and 0 or nil
end

local function forget(provider, ids, first, last)
  local maps_key, over = prefix .. 'mm:' .. provider, {}
  local maps = call('HMGET', maps_key, unpack(ids, first, last))
  local told = call('HMGET', states_key(provider), unpack(ids, first, last))
  for i = 1, #maps do
    local ends = end_under(maps[i], told[i])
    if ends and ends <= now then
      over[#over + 1] = ids[first + i - 1]
    elseif ends then
      end_map_at(provider, ids[first + i - 1], ends)
    end
  end
  if #over == 0 then return end
  call('HDEL', maps_key, unpack(over))
  call('HDEL', states_key(provider), unpack(over))
end

local function forget_ended(provider, ended)
  for _, packed_ids in ipairs(ended) do
    local ids = cmsgpack.unpack(packed_ids)
    call('ZREM', prefix .. 'me:' .. provider, packed_ids)
    for first = 1, #ids, 1000 do forget(provider, ids, first, math.min(first + 999, #ids)) end
  end
end
