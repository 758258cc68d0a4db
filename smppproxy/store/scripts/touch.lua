-- args: {queue, ids, queue, ids, ...}. What another node took over meanwhile is left with it.
-- Result: {queue, id, queue, id, ...} of those whose message has a later receipt, and the same of
-- those that are not in this node's hands.
local superseded, gone = {}, {}

local function add(names, queue, id)
  names[#names + 1] = queue
  names[#names + 1] = id
end

-- Says of each whether it is ours, and has a later receipt of its message.
local function told(queue, later, id, is_ours)
  if not is_ours then return add(gone, queue, id) end
  if later and call('ZSCORE', later, id) then add(superseded, queue, id) end
end

local function touch_entries(queue, later, ids)
  local key = prefix .. 'q:' .. queue
  local claim = {key, 'g', node, 0}
  for _, id in ipairs(ids) do
    local held = redis.pcall('XPENDING', key, 'g', id, id, 1, node)
    local is_ours = held[1] ~= nil
    told(queue, later, id, is_ours)
    if is_ours then claim[#claim + 1] = id end
  end
  if #claim > 4 then
    claim[#claim + 1] = 'JUSTID'
    call('XCLAIM', unpack(claim))
  end
end

-- Those of these places of a bundle that are ours are held from now on.
local function touch_places(marks, state, places)
  local ours = {}
  for _, place in ipairs(places) do
    local mark = marks[place]
    if mark and mark ~= 0 and mark ~= GONE and state[3 * mark - 1] == node then
      ours[place] = state[3 * mark + 1]
    end
  end
  hold(marks, state, ours)
  return ours
end

local function touch_bundled(queue, later, bundles, places)
  local account, changes = account_of(queue), new_changes()
  local states = call('HMGET', (select(2, keys_of(account))), unpack(bundles))
  for i, bundle in ipairs(bundles) do
    local ours = {}
    if states[i] then
      local marks, state = open_state(states[i])
      ours = touch_places(marks, state, places[i])
      if next(ours) then change(changes, bundle, marks, state) end
    end
    for _, place in ipairs(places[i]) do
      told(queue, later, entry_id(bundle, place), ours[place] ~= nil)
    end
  end
  write_changes(account, changes)
end

for i = 1, #args, 2 do
  local queue, bundles, places, entries = args[i], {}, {}, args[i + 1]
  local later = prefix .. 'z:' .. queue
  if call('EXISTS', later) == 0 then later = nil end
  if account_of(queue) then bundles, places, entries = by_bundle(entries) end
  if #entries > 0 then touch_entries(queue, later, entries) end
  if #bundles > 0 then touch_bundled(queue, later, bundles, places) end
end
return cmsgpack.pack({superseded, gone})
