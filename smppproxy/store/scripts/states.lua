-- What leaves receipts' queues, entry by entry.
local function entry_id(bundle, place) return string.format('%s.%02d', bundle, place - 1) end

-- Writes states of bundles; those of which nothing is left go, with their bundles.
local function new_changes() return {sets = {}, ends = {}, removed = 0} end

local function change(changes, bundle, marks, state)
  local packed = string.char(unpack(marks))
  if string.find(packed, '[^\255]') then
    state[1] = packed
    changes.sets[#changes.sets + 1] = bundle
    changes.sets[#changes.sets + 1] = cmsgpack.pack(state)
  else
    changes.ends[#changes.ends + 1] = bundle
  end
end

local function write_changes(account, changes)
  local bundles, hands = keys_of(account)
  if #changes.ends > 0 then
    call('HDEL', hands, unpack(changes.ends))
    call('XDEL', bundles, unpack(changes.ends))
  end
  if #changes.sets > 0 then write_hands(hands, changes.sets) end
  if changes.removed > 0 then call('HINCRBY', hands, 'n', -changes.removed) end
end

-- By bundle, in their order: {bundle, ...}, {{place, ...}, ...}; ids that are of no bundle.
local function by_bundle(ids)
  local byte, sub, bundles, places, known, others = string.byte, string.sub, {}, {}, {}, {}
  for i = 1, #ids do
    local id = ids[i]
    local dot, tens, ones = byte(id, -3, -1)
    if dot == 46 then
      local bundle = sub(id, 1, -4)
      local some = known[bundle]
      if not some then
        some = {}
        known[bundle] = some
        bundles[#bundles + 1], places[#places + 1] = bundle, some
      end
      some[#some + 1] = 10 * tens + ones - 527
    else
      others[#others + 1] = id
    end
  end
  return bundles, places, others
end

local function size_of(bundles, bundle)
  local entry = call('XRANGE', bundles, bundle, bundle)[1]
  return entry and tonumber(entry[2][1])
end

-- How many of these were still there.
local function remove_bundled(account, bundles, places)
  local key, hands = keys_of(account)
  local states, changes = call('HMGET', hands, unpack(bundles)), new_changes()
  for i, bundle in ipairs(bundles) do
    local size = not states[i] and size_of(key, bundle)
    if states[i] or size then
      local marks, state = open_state(states[i], size)
      for _, place in ipairs(places[i]) do
        if marks[place] and marks[place] ~= GONE then
          marks[place] = GONE
          changes.removed = changes.removed + 1
        end
      end
      change(changes, bundle, marks, state)
    end
  end
  write_changes(account, changes)
  return changes.removed
end

local function remove(key, ids)
  call('XACK', key, 'g', unpack(ids))
  return call('XDEL', key, unpack(ids))
end

-- The same of any queue: receipts have ids of two kinds, those of bundles and of earlier versions.
local function remove_any(queue, ids)
  local account = account_of(queue)
  if not account then return remove(prefix .. 'q:' .. queue, ids) end
  local bundles, places, old = by_bundle(ids)
  local removed = #old > 0 and remove(prefix .. 'q:' .. queue, old) or 0
  if #bundles > 0 then removed = removed + remove_bundled(account, bundles, places) end
  return removed
end
