-- Receipts that wait for an account come and go in bundles, at the price of one entry each.
-- w:account, a stream: what one call queued; field: how many receipts; value: {origin, receipt,
-- origin, receipt, ...}, of a group {receipt, parts, good} in place of receipt.
-- h:account, a hash. n: how many receipts there are; at: up to which bundle all was handed out; of
-- each bundle that is out, or not whole: {marks, node, ms, deliveries, node, ms, deliveries, ...}.
-- Marks are an octet for each receipt: 0 new, 255 gone, else in whose hands it is.
-- An entry's id is that of its bundle and its place: 1700000000000-0.07
local MOST, GONE = 100, 255

local function keys_of(account) return prefix .. 'w:' .. account, prefix .. 'h:' .. account end

-- The account whose receipts a queue has; nil: it is a queue of another kind.
local function account_of(queue)
  if string.sub(queue, 1, 2) == 'r:' then return string.sub(queue, 3) end
  return nil
end

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

local function ids_of(entries)
  local ids = {}
  for i = 1, #entries do ids[i] = entries[i][1] end
  return ids
end

-- What a bundle's state says: marks as numbers, and its holders as they are packed.
local function open_state(packed, size)
  local state, marks = packed and cmsgpack.unpack(packed), {}
  if state then return {string.byte(state[1], 1, -1)}, state end
  for i = 1, size do marks[i] = 0 end
  return marks, {''}
end

-- Changes the hash of an account. A full server lets a script go on that has taken something away:
-- queues can be emptied (F83).
local function write_hands(hands, changes)
  local reply = redis.pcall('HSET', hands, unpack(changes))
  if type(reply) == 'table' and reply.err then
    call('HDEL', hands, '')
    call('HSET', hands, unpack(changes))
  end
end
