-- Queues are streams with one consumer group, receipts' are bundles; earlier versions kept receipts as
-- MO messages are still kept, and what they left is handed out first. What leaves a queue other than
-- by an ack is counted.

-- Removes up to so many of the oldest; how many there were.
local function remove_oldest(account, count)
  local key, hands = keys_of(account)
  local removed, from, much = 0, '-', 1
  while removed < count do
    local entries, changes = call('XRANGE', key, from, '+', 'COUNT', much), new_changes()
    if #entries == 0 then break end
    for _, entry in ipairs(entries) do
      local marks, state = open_state(call('HGET', hands, entry[1]), tonumber(entry[2][1]))
      for place, mark in ipairs(marks) do
        if mark ~= GONE and removed + changes.removed < count then
          marks[place] = GONE
          changes.removed = changes.removed + 1
        end
      end
      change(changes, entry[1], marks, state)
      if removed + changes.removed == count then break end
    end
    write_changes(account, changes)
    removed = removed + changes.removed
    from, much = '(' .. entries[#entries][1], math.min(2 * much, 100)
  end
  return removed
end

-- Removes bundles that came before this time, up to 5,000 of them. How many receipts that were.
local function remove_before(account, ms)
  local key, hands = keys_of(account)
  local last, removed = string.format('%.0f', ms - 1), 0
  for _ = 1, 50 do
    local entries = call('XRANGE', key, '-', last, 'COUNT', 100)
    if #entries == 0 then break end
    local changes = new_changes()
    for _, entry in ipairs(entries) do
      for _, mark in ipairs((open_state(call('HGET', hands, entry[1]), tonumber(entry[2][1])))) do
        if mark ~= GONE then changes.removed = changes.removed + 1 end
      end
      changes.ends[#changes.ends + 1] = entry[1]
    end
    write_changes(account, changes)
    removed = removed + changes.removed
  end
  return removed
end

local function count_bundled(account)
  return tonumber(call('HGET', prefix .. 'h:' .. account, 'n') or '0')
end

-- What a later receipt of the same message made superfluous goes first, then the oldest.
local function drop(queue, key, count)
  local account, dropped = account_of(queue), 0
  while dropped < count do
    local id = call('ZPOPMIN', prefix .. 'z:' .. queue)[1]
    if not id then break end
    dropped = dropped + remove_any(queue, {id})
  end
  while dropped < count do
    local ids = ids_of(call('XRANGE', key, '-', '+', 'COUNT', math.min(count - dropped, 500)))
    if #ids == 0 then break end
    dropped = dropped + remove(key, ids)
  end
  if account and dropped < count then
    dropped = dropped + remove_oldest(account, count - dropped)
  end
  call('HINCRBY', prefix .. 'drops', queue, dropped)
  return dropped
end

-- Brings a queue to its limit.
local function cut(queue, key)
  local account = account_of(queue)
  local over = call('XLEN', key) + (account and count_bundled(account) or 0) - limit(queue)
  if over <= 0 then return 0 end
  return drop(queue, key, over)
end

-- Brings these queues to their limits: {queue, how many it lost, ...}
local function cut_all(queues)
  local drops = {}
  for _, queue in ipairs(queues) do
    local dropped = cut(queue, prefix .. 'q:' .. queue)
    if dropped > 0 then
      drops[#drops + 1] = queue
      drops[#drops + 1] = dropped
    end
  end
  return drops
end

-- Drops what is older than the queue keeps; how many.
local function expire(queue, key)
  local _, seconds = limit(queue)
  local account, oldest, dropped = account_of(queue), now_ms - seconds * 1000, 0
  local last = string.format('%.0f', oldest - 1)
  for _ = 1, 10 do
    local ids = ids_of(call('XRANGE', key, '-', last, 'COUNT', 500))
    if #ids == 0 then break end
    dropped = dropped + remove(key, ids)
  end
  if account then dropped = dropped + remove_before(account, oldest) end
  if dropped > 0 then call('HINCRBY', prefix .. 'drops', queue, dropped) end
  return dropped
end

-- An error reply that says that the group is missing: the queue is new, or somebody removed it.
local function no_group(reply)
  return type(reply) == 'table' and reply.err and string.find(reply.err, 'NOGROUP', 1, true)
end
