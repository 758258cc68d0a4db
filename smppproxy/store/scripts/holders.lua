-- In whose hands receipts are.

-- Puts places of a bundle into this node's hands; deliveries, of each place.
local function hold(marks, state, deliveries)
  local holders = {}
  for place in pairs(deliveries) do marks[place] = 0 end
  tidy(marks, state)
  for place, number in pairs(deliveries) do
    holders[number] = holders[number] or add_holder(state, number)
    marks[place] = holders[number]
  end
end

-- What of a bundle was handed out before, and is in this node's hands still; for a call that is tried
-- again. {bundle, places, items}; deliveries of each place, as of.
local function read_again(queue, bundle, octets, of)
  local key, hands = keys_of(account_of(queue))
  local entry, packed = call('XRANGE', key, bundle, bundle)[1], call('HGET', hands, bundle)
  if not entry or not packed then return {}, {} end
  local marks, state = open_state(packed)
  local taken, places, deliveries = {string.byte(octets, 1, -1)}, {}, {}
  for i = 1, octets == '' and #marks or #taken do
    local place = octets == '' and i or taken[i] + 1
    local mark = marks[place]
    if mark ~= 0 and mark ~= GONE and state[3 * mark - 1] == node then
      places[#places + 1] = place
      deliveries[#places] = of[i]
    end
  end
  if #places == 0 then return {}, {} end
  return {bundle, some_of(entry[2][2], places)}, deliveries
end

-- {bundle, marks, state} of those that are out, or not whole.
local function states_of(account)
  local states, all = {}, call('HGETALL', (select(2, keys_of(account))))
  for i = 1, #all, 2 do
    if string.find(all[i], '-', 1, true) then
      local marks, state = open_state(all[i + 1])
      states[#states + 1] = {all[i], marks, state}
    end
  end
  return states
end

local function count_held(account)
  local held = 0
  for _, each in ipairs(states_of(account)) do
    for _, mark in ipairs(each[2]) do
      if mark ~= 0 and mark ~= GONE then held = held + 1 end
    end
  end
  return held
end
