-- args: queues, count, idle_ms, started_ms.
-- Result: {{queue, entries, deliveries, bundles}, ...}; bundles: {bundle, places, items, deliveries, ...}
local queues, count, idle_ms, started_ms = unpack(args)

-- What this name held before this process began, and has not been handed out since.
local function mine(key)
  local idle = math.max(now_ms - started_ms + 1, 0)
  local held = redis.pcall('XPENDING', key, 'g', 'IDLE', idle, '-', '+', count, node)
  if held.err or #held == 0 then return {} end
  return call('XCLAIM', key, 'g', node, 0, unpack(ids_of(held)))
end

local function anyones(key)
  local entries, from = {}, '0-0'
  repeat
    local reply = redis.pcall('XAUTOCLAIM', key, 'g', node, idle_ms, from, 'COUNT',
                              count - #entries)
    if reply.err then break end
    from = reply[1]
    for _, entry in ipairs(reply[2]) do entries[#entries + 1] = entry end
  until from == '0-0' or #entries >= count
  return entries
end

local function is_left(whose, ms)
  if idle_ms == 0 then return whose == node and ms < started_ms end
  return now_ms - ms >= idle_ms
end

-- Places of a bundle that nobody is busy with, now in our hands; deliveries of each.
local function take_over(marks, state, most)
  local places, deliveries, of_place = {}, {}, {}
  for place, mark in ipairs(marks) do
    if #places == most then break end
    if mark ~= 0 and mark ~= GONE and is_left(state[3 * mark - 1], state[3 * mark]) then
      places[#places + 1] = place
      of_place[place] = state[3 * mark + 1] + 1
      deliveries[#places] = of_place[place]
    end
  end
  hold(marks, state, of_place)
  return places, deliveries
end

local function is_before(one, other)
  local ms, sequence = string.match(one[1], '^(%d+)%-(%d+)$')
  local their_ms, their_sequence = string.match(other[1], '^(%d+)%-(%d+)$')
  if ms ~= their_ms then return tonumber(ms) < tonumber(their_ms) end
  return tonumber(sequence) < tonumber(their_sequence)
end

-- {bundle, places, items, deliveries, ...}, {bundle, places, deliveries, ...}
local function adopt_bundled(account, most)
  local found, taken, changes = {}, {}, new_changes()
  local states = states_of(account)
  table.sort(states, is_before)
  for _, each in ipairs(states) do
    local bundle, marks, state = unpack(each)
    local places, deliveries = take_over(marks, state, most)
    local entry = #places > 0 and call('XRANGE', (keys_of(account)), bundle, bundle)[1]
    if entry then
      most = most - #places
      change(changes, bundle, marks, state)
      local octets, items = some_of(entry[2][2], places)
      local to = #found
      found[to + 1], found[to + 2], found[to + 3] = bundle, octets, items
      found[to + 4] = deliveries
      to = #taken
      taken[to + 1], taken[to + 2], taken[to + 3] = bundle, octets, deliveries
    end
  end
  write_changes(account, changes)
  return found, taken
end

local function bundles_again(queue, taken)
  local found = {}
  for i = 1, #taken, 3 do
    local parts, deliveries = read_again(queue, taken[i], taken[i + 1], taken[i + 2])
    if #parts > 0 then
      for _, part in ipairs(parts) do found[#found + 1] = part end
      found[#found + 1] = deliveries
    end
  end
  return found
end

-- What is kept for another try are ids and deliveries only; the entries are read again.
local function again_from(taken)
  local result = {}
  for _, held in ipairs(taken) do
    local queue, ids, counts, bundles = unpack(held)
    local entries, deliveries = {}, {}
    for i = 1, #ids do
      local entry = call('XRANGE', prefix .. 'q:' .. queue, ids[i], ids[i])[1]
      if entry then
        entries[#entries + 1] = entry
        deliveries[#deliveries + 1] = counts[i]
      end
    end
    result[#result + 1] = {queue, entries, deliveries, bundles_again(queue, bundles)}
  end
  return cmsgpack.pack(result)
end

local done = kept()
if done then return again_from(done) end
local result, taken = {}, {}
for i = 1, #queues do
  local queue = queues[i]
  local key, account = prefix .. 'q:' .. queue, account_of(queue)
  expire(queue, key)
  local entries, deliveries, bundles, places = {}, {}, {}, {}
  if call('XLEN', key) > 0 then entries = idle_ms == 0 and mine(key) or anyones(key) end
  for j = 1, #entries do
    local id = entries[j][1]
    deliveries[j] = call('XPENDING', key, 'g', id, id, 1)[1][4]
  end
  if account and #entries < count then
    bundles, places = adopt_bundled(account, count - #entries)
  end
  if #entries + #bundles > 0 then
    result[#result + 1] = {queue, entries, deliveries, bundles}
    taken[#taken + 1] = {queue, ids_of(entries), deliveries, places}
  end
end
if #taken > 0 then keep(taken) end
return cmsgpack.pack(result)
