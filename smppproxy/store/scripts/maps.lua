-- A map: version 1, expiry (unix s), final, states seen, last entry's id, then what never changes:
-- want, account, destination, origin. Version 2 holds several maps under one id, each with a length.
local MAX_MAPS, STRAYS = 8, 10000
local HEAD = '>BIBBc0Bc0'
local grown = {}

local function maps_of(value)
  if string.byte(value) == 1 then return {value} end
  local maps, at = {}, 2
  while at <= #value do
    local map
    map, at = struct.unpack('>Hc0', value, at)
    maps[#maps + 1] = map
  end
  return maps
end

local function value_of(maps)
  if #maps == 1 then return maps[1] end
  local parts = {'\2'}
  for i = 1, #maps do parts[i + 1] = struct.pack('>Hc0', #maps[i], maps[i]) end
  return table.concat(parts)
end

local function expiry_of(map)
  return (struct.unpack('>I', map, 2))
end

local function live_maps(value)
  local live = {}
  for _, map in ipairs(maps_of(value)) do
    if expiry_of(map) > now then live[#live + 1] = map end
  end
  return live
end

local function write_map(key, maps)
  local latest = 0
  for i = 1, #maps do latest = math.max(latest, expiry_of(maps[i])) end
  call('SET', key, value_of(maps), 'EX', math.max(latest - now, 1))
end

-- Equal tails, or the whole of a short number at the end of a longer one; '' says nothing.
local function fits(mine, theirs)
  if mine == theirs or theirs == '' then return true end
  if #mine > #theirs then mine, theirs = theirs, mine end
  return #mine >= 6 and string.sub(theirs, -#mine) == mine
end

local function destination_of(map)
  local _, _, _, _, _, _, _, destination = struct.unpack('>BIBBc0Bc0BBc0Bc0', map)
  return destination
end

local function stray(stream, provider, reason, arrived, arrival)
  call('XADD', prefix .. stream, 'MAXLEN', STRAYS, '*', 'p', provider, 'w', reason,
       'a', tostring(arrived), 'd', cmsgpack.pack(arrival))
end

-- Which of the maps a receipt is for: its place, or nil and why not.
local function owner(maps, destination)
  local place
  for i = 1, #maps do
    if fits(destination_of(maps[i]), destination) then
      if place then return nil, 'ambiguous' end
      place = i
    end
  end
  return place, 'destination'
end

-- One receipt meets a map. The new map (nil: unchanged), outcome, queue.
local function settle(map, kind, state, final, receipt, final_ttl)
  local version, expiry, was_final, seen, last, want, account, _, at =
    struct.unpack('>BIBBc0Bc0BBc0Bc0', map)
  local letter = string.char(state)
  if string.find(seen, letter, 1, true) then return nil, 2, '' end
  if was_final == 1 then return nil, 5, '' end
  local rest = string.sub(map, 9 + #seen + #last)
  local outcome, queue = 3, ''
  if bit.band(want, kind) ~= 0 then
    outcome, queue = 0, 'r:' .. account
    local before = last
    last = call('XADD', prefix .. 'q:' .. queue, '*', 'o', string.sub(map, at), 'r', receipt)
    grown[queue] = true
    if before ~= '' then
      local superseded = prefix .. 's:' .. queue
      call('RPUSH', superseded, before)
      call('LTRIM', superseded, -25000, -1)
      call('EXPIRE', superseded, 172800)
    end
  end
  if final then expiry = math.min(expiry, now + final_ttl) end
  seen = string.sub(seen .. letter, -200)
  return struct.pack(HEAD, version, expiry, final and 1 or 0, #seen, seen, #last, last) .. rest,
         outcome, queue
end

-- One receipt meets the value stored under an id. New value (nil: unchanged), outcome, queue.
local function meet(key, value, provider, arrival, final_ttl)
  local keys, destination, kind, state, final, receipt = unpack(arrival)
  local maps, place, why
  if string.byte(value) == 1 then
    maps = {value}
  else
    maps = live_maps(value)
  end
  place, why = owner(maps, destination)
  if not place then
    stray('quarantine', provider, why, now, arrival)
    return nil, 4, ''
  end
  local map, outcome, queue = settle(maps[place], kind, state, final, receipt, final_ttl)
  if not map then return nil, outcome, queue end
  maps[place] = map
  write_map(key, maps)
  return value_of(maps), outcome, queue
end

local function cut_grown()
  for queue in pairs(grown) do cut(queue, prefix .. 'q:' .. queue) end
end
