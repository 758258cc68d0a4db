-- Receipts without a map. pk: id -> names; pd: name -> receipt; pi: names by arrival; pp: providers.
local MAX_PARKED = 100000

local function park_names(provider, id)
  local value = call('GET', prefix .. 'pk:' .. provider .. ':' .. id)
  if value then return cmsgpack.unpack(value) end
  return {}
end

local function forget_name(provider, id, name)
  local rest = {}
  for _, other in ipairs(park_names(provider, id)) do
    if other ~= name then rest[#rest + 1] = other end
  end
  local key = prefix .. 'pk:' .. provider .. ':' .. id
  if #rest == 0 then
    call('DEL', key)
  else
    call('SET', key, cmsgpack.pack(rest), 'KEEPTTL')
  end
end

-- Takes one parked receipt out; nil when it is not there any more, else it and when it came.
local function unpark(provider, name)
  local value = call('HGET', prefix .. 'pd:' .. provider, name)
  call('HDEL', prefix .. 'pd:' .. provider, name)
  call('ZREM', prefix .. 'pi:' .. provider, name)
  if not value then return nil end
  local arrived, arrival = unpack(cmsgpack.unpack(value))
  for _, id in ipairs(arrival[1]) do forget_name(provider, id, name) end
  return arrival, arrived
end

local function orphan(provider, name)
  local arrival, arrived = unpark(provider, name)
  if arrival then stray('orphans', provider, 'unknown', arrived, arrival) end
end

-- True when it is parked now, false when the same receipt was parked before.
local function park(provider, arrival)
  local ids = arrival[1]
  local name = ids[1] .. '\0' .. arrival[2] .. '\0' .. arrival[4]
  if arrival[7] then name = name .. '\0' .. arrival[7] end
  if call('HSETNX', prefix .. 'pd:' .. provider, name, cmsgpack.pack({now, arrival})) == 0 then
    return false
  end
  call('ZADD', prefix .. 'pi:' .. provider, now, name)
  call('SADD', prefix .. 'pp', provider)
  for _, id in ipairs(ids) do
    local names = park_names(provider, id)
    names[#names + 1] = name
    call('SET', prefix .. 'pk:' .. provider .. ':' .. id, cmsgpack.pack(names), 'EX', 259200)
  end
  if call('ZCARD', prefix .. 'pi:' .. provider) > MAX_PARKED then
    orphan(provider, call('ZRANGE', prefix .. 'pi:' .. provider, 0, 0)[1])
  end
  return true
end
