local groups

-- The map that the last receipt met (nil: none), whose it is, and where its origin begins.
local met_map, met_account, met_at

-- The value under an id is not a single plain map: of those that are there exactly one must fit.
-- Where none does: nil, nil, why.
local function meet_others(provider, id, value, arrival, final_ttl)
  local maps, place, m = live_maps(value), nil, nil
  groups = groups or open_groups()
  for i = 1, #maps do
    local this = read_map(maps[i])
    if fits(this.destination, arrival[2]) then
      if place then return nil, nil, 'ambiguous' end
      place, m = i, this
    end
  end
  if not place then return nil, nil, 'destination' end
  met_map, met_account, met_at = maps[place], m.account, m.at
  local map, outcome, queue = groups.settle_any(maps[place], m, arrival, final_ttl)
  if not map then return nil, outcome, queue end
  maps[place] = map
  if #maps == 1 and m.final == 0 and groups.is_final(map) then groups.forget_due(provider, id, m) end
  return write_map(provider, id, maps), outcome, queue
end

-- One receipt meets what is under an id, as get_map gives it. New value (nil: unchanged), outcome,
-- queue; or nil, nil, why: it is for another message.
local function meet(provider, id, value, arrival, final_ttl)
  if not value then return nil, nil, 'destination' end
  if string.byte(value) ~= 1 then return meet_others(provider, id, value, arrival, final_ttl) end
  local _, expiry, final, seen, last, want, account, destination, at = struct.unpack(MAP, value)
  if destination ~= arrival[2] and not fits(destination, arrival[2]) then
    return nil, nil, 'destination'
  end
  met_map, met_account, met_at = value, account, at
  local map, ends, outcome, queue =
    settle(value, expiry, final, seen, last, want, account, at, arrival, final_ttl)
  if map then put_map(provider, id, map, ends < expiry and math.max(ends, now + 1) or nil) end
  return map, outcome, queue
end

-- One receipt meets what is under the first of its ids that is for its message. Outcome, queue; where
-- it is for none: nil, why the first is not (nil: there is nothing), under how many there is something.
local function meet_any(provider, arrival, final_ttl)
  local misfit, misfits = nil, 0
  for _, id in ipairs(arrival[1]) do
    local value = get_map(provider, id)
    if value then
      local _, outcome, queue = meet(provider, id, value, arrival, final_ttl)
      if outcome then return outcome, queue end
      misfit, misfits = misfit or queue, misfits + 1
    end
  end
  return nil, misfit, misfits
end
