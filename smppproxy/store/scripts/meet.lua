local groups

-- The map that the last receipt met (nil: none), whose it is, and where its origin begins.
local met_map, met_account, met_at

-- The value under an id is not a single plain map: of those that are there exactly one must fit.
-- Where none does: nil, nil, why.
local function meet_others(key, value, provider, arrival, final_ttl)
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
  if #maps == 1 and m.final == 0 and groups.is_final(map) then groups.forget_due(key, m) end
  return write_map(key, maps), outcome, queue
end

-- One receipt meets the value stored under an id. New value (nil: unchanged), outcome, queue; or
-- nil, nil, why: it is for another message.
local function meet(key, value, provider, arrival, final_ttl)
  if string.byte(value) ~= 1 then return meet_others(key, value, provider, arrival, final_ttl) end
  local _, expiry, final, seen, last, want, account, destination, at = struct.unpack(MAP, value)
  if destination ~= arrival[2] and not fits(destination, arrival[2]) then
    return nil, nil, 'destination'
  end
  met_map, met_account, met_at = value, account, at
  local map, ends, outcome, queue =
    settle(value, expiry, final, seen, last, want, account, at, arrival, final_ttl)
  if map then call('SET', key, map, 'EX', math.max(ends - now, 1)) end
  return map, outcome, queue
end
