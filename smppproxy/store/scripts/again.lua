-- Parked receipts whose map is there by now meet it as they would if it were written now. A record lets
-- go what waits for it, but a node of an earlier version parks what it cannot see the map of.
-- args: how many to pass over, how many to look at, final ttl, {provider, its final ttl, ...}.
-- Result: how many to pass over next time, {outcome, queue, ...}, drops
local done = kept_packed()
if done then return done end
local skip, left, usual_ttl, ttls = unpack(args)
local ttl_of, results, total, PAGE = {}, {}, 0, 100
for i = 1, #ttls, 2 do ttl_of[ttls[i]] = ttls[i + 1] end

-- Which of these ids have maps, of any version.
local function known_among(provider, ids)
  local old, known = {}, {}
  for i, id in ipairs(ids) do old[i] = old_key(provider, id) end
  local maps = call('HMGET', prefix .. 'mm:' .. provider, unpack(ids))
  local old_maps_there = call('MGET', unpack(old))
  for i, id in ipairs(ids) do known[id] = maps[i] or old_maps_there[i] end
  return known
end

-- Outcome and queue; nil: it waits on, since under one of its ids its own map may still come.
local function meet_one(provider, name, arrival, final_ttl)
  local outcome, queue, misfits = meet_any(provider, arrival, final_ttl)
  if not outcome and misfits < #arrival[1] then return nil end
  unpark(provider, name)
  if outcome then return outcome, queue end
  stray('quarantine', provider, queue, now, arrival)
  return 4, ''
end

-- Looks at these; how many of them are parked no more.
local function look_at(provider, names)
  local found, arrivals, ids = call('HMGET', prefix .. 'pd:' .. provider, unpack(names)), {}, {}
  for i, value in ipairs(found) do
    local arrival = value and cmsgpack.unpack(value)[2]
    arrivals[i] = arrival
    for _, id in ipairs(arrival and arrival[1] or {}) do ids[#ids + 1] = id end
  end
  if #ids == 0 then return 0 end
  local known, gone = known_among(provider, ids), 0
  for i, name in ipairs(names) do
    local arrival, is_known = arrivals[i], false
    for _, id in ipairs(arrival and arrival[1] or {}) do is_known = is_known or known[id] end
    local outcome, queue
    if is_known then
      outcome, queue = meet_one(provider, name, arrival, ttl_of[provider] or usual_ttl)
    end
    if outcome then
      results[#results + 1] = outcome
      results[#results + 1] = queue
      gone = gone + 1
    end
  end
  return gone
end

-- place: of the first of this provider's among all that are parked.
local function look_through(provider, place)
  local index = prefix .. 'pi:' .. provider
  local at, number = math.max(skip - place, 0), call('ZCARD', index)
  while left > 0 and at < number do
    local names = call('ZRANGE', index, at, at + math.min(left, PAGE) - 1)
    left = left - #names
    local gone = look_at(provider, names)
    at, number = at + #names - gone, number - gone
    skip = place + at
  end
  return number
end

local providers = call('SMEMBERS', prefix .. 'pp')
table.sort(providers)
for _, provider in ipairs(providers) do total = total + look_through(provider, total) end
if skip >= total then skip = 0 end
local result = {skip, results, cut_grown() or {}}
if #results > 0 then return keep(result) end
return cmsgpack.pack(result)
