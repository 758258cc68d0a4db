-- Queues are streams with one consumer group. What leaves a queue other than by an ack is counted.
local known_limits = {}

local function limit(queue)
  local found = known_limits[queue]
  if not found then
    local packed = call('HGET', prefix .. 'limits', queue)
    if packed then
      found = {struct.unpack('>II', packed)}
    else
      found = {25000, 172800}
    end
    known_limits[queue] = found
  end
  return found[1], found[2]
end

local function remove(key, ids)
  call('XACK', key, 'g', unpack(ids))
  return call('XDEL', key, unpack(ids))
end

local function ids_of(entries)
  local ids = {}
  for i = 1, #entries do ids[i] = entries[i][1] end
  return ids
end

-- What a later receipt of the same message made superfluous goes first, then the oldest.
local function drop(queue, key, count)
  local dropped = 0
  while dropped < count do
    local id = call('ZPOPMIN', prefix .. 'z:' .. queue)[1]
    if not id then break end
    dropped = dropped + remove(key, {id})
  end
  while dropped < count do
    local ids = ids_of(call('XRANGE', key, '-', '+', 'COUNT', math.min(count - dropped, 500)))
    if #ids == 0 then break end
    dropped = dropped + remove(key, ids)
  end
  call('HINCRBY', prefix .. 'drops', queue, dropped)
  return dropped
end

local function cut(queue, key)
  local over = call('XLEN', key) - limit(queue)
  if over <= 0 then return 0 end
  return drop(queue, key, over)
end

-- Drops what is older than the queue keeps. Second result: whether anything is left.
local function expire(queue, key)
  local first = call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
  if not first then return 0, false end
  local _, seconds = limit(queue)
  local oldest = now_ms - seconds * 1000
  if tonumber(string.match(first[1], '^%d+')) >= oldest then return 0, true end
  local dropped = 0
  for _ = 1, 10 do
    local last = string.format('%.0f', oldest - 1)
    local ids = ids_of(call('XRANGE', key, '-', last, 'COUNT', 500))
    if #ids == 0 then break end
    dropped = dropped + remove(key, ids)
  end
  call('HINCRBY', prefix .. 'drops', queue, dropped)
  return dropped, call('XLEN', key) > 0
end

-- An error reply that says that the group is missing: the queue is new, or somebody removed it.
local function no_group(reply)
  return type(reply) == 'table' and reply.err and string.find(reply.err, 'NOGROUP', 1, true)
end
