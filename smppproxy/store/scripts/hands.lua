-- How receipts come into a node's hands.

-- Forgets who holds nothing of a bundle any more, once there are many.
local function tidy(marks, state)
  if #state <= 31 then return end
  local places, kept = {}, {state[1]}
  for i, mark in ipairs(marks) do
    if mark ~= 0 and mark ~= GONE then
      if not places[mark] then
        places[mark] = (#kept - 1) / 3 + 1
        for j = 3 * mark - 1, 3 * mark + 1 do kept[#kept + 1] = state[j] end
      end
      marks[i] = places[mark]
    end
  end
  for i = #state, 1, -1 do state[i] = kept[i] end
end

-- The mark of what is in this node's hands from now on, and was handed out so often.
local function add_holder(state, deliveries)
  local at = #state
  state[at + 1], state[at + 2], state[at + 3] = node, now_ms, deliveries
  return (at - 1) / 3 + 1
end

-- These places of a bundle as they are stored: octets of places (0 is the first), items.
local function some_of(value, places)
  local items, octets, some = cmsgpack.unpack(value), {}, {}
  for i, place in ipairs(places) do
    octets[i] = string.char(place - 1)
    some[2 * i - 1], some[2 * i] = items[2 * place - 1], items[2 * place]
  end
  return table.concat(octets), cmsgpack.pack(some)
end

-- Up to so many new ones, oldest first: {bundle, places, items, ...}, {bundle, places, ...}; nil: the
-- oldest is too old.
local function take_bundled(account, count)
  local key, hands = keys_of(account)
  local at = call('HGET', hands, 'at')
  local from, much, whole_to = at and '(' .. at or '-', 2, at
  local found, taken, changes = {}, {}, {}

  local function give(bundle, places, items)
    local to = #found
    found[to + 1], found[to + 2], found[to + 3] = bundle, places, items
    to = #taken
    taken[to + 1], taken[to + 2] = bundle, places
  end

  local function give_some(bundle, size, value, packed)
    local marks, state = open_state(packed, size)
    tidy(marks, state)
    local holder, places, left = add_holder(state, 1), {}, false
    for place, mark in ipairs(marks) do
      if mark == 0 then
        if #places < count then
          marks[place] = holder
          places[#places + 1] = place
        else
          left = true
        end
      end
    end
    if #places > 0 then
      count = count - #places
      give(bundle, some_of(value, places))
      state[1] = string.char(unpack(marks))
      changes[#changes + 1], changes[#changes + 2] = bundle, cmsgpack.pack(state)
    end
    if not left then whole_to = bundle end
  end

  while count > 0 do
    local entries = call('XRANGE', key, from, '+', 'COUNT', much)
    if #entries == 0 then break end
    if #taken == 0 then
      local _, seconds = limit('r:' .. account)
      if tonumber(string.match(entries[1][1], '^%d+')) < now_ms - seconds * 1000 then return nil end
    end
    local states = call('HMGET', hands, unpack(ids_of(entries)))
    for i, entry in ipairs(entries) do
      local bundle, size = entry[1], tonumber(entry[2][1])
      if not states[i] and size <= count then
        count, whole_to = count - size, bundle
        give(bundle, '', entry[2][2])
        local state = cmsgpack.pack({string.rep('\1', size), node, now_ms, 1})
        changes[#changes + 1], changes[#changes + 2] = bundle, state
      elseif count > 0 then
        give_some(bundle, size, entry[2][2], states[i])
      end
    end
    if #entries < much then break end
    from, much = '(' .. entries[#entries][1], math.min(much * 2, 50)
  end
  if whole_to ~= at then
    changes[#changes + 1], changes[#changes + 2] = 'at', whole_to
  end
  if #changes > 0 then write_hands(hands, changes) end
  return found, taken
end
