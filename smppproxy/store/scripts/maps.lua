-- A map: version 1, expiry (unix s), final, states seen, last entry's id, then what never changes:
-- want, account, destination, origin. Version 2 holds several maps under one id, each with a length.
local MAX_MAPS, STRAYS = 8, 10000
local HEAD, MAP = '>BIBBc0Bc0', '>BIBBc0Bc0BBc0Bc0'
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
  local value = value_of(maps)
  call('SET', key, value, 'EX', math.max(latest - now, 1))
  return value
end

-- Equal tails, or the whole of a short number at the end of a longer one; '' says nothing.
local function fits(mine, theirs)
  if mine == theirs or theirs == '' then return true end
  if #mine > #theirs then mine, theirs = theirs, mine end
  return #mine >= 6 and string.sub(theirs, -#mine) == mine
end

local function stray(stream, provider, reason, arrived, arrival)
  call('XADD', prefix .. stream, 'MAXLEN', STRAYS, '*', 'p', provider, 'w', reason,
       'a', tostring(arrived), 'd', cmsgpack.pack(arrival))
end

local queue_names, queue_keys = {}, {}

local function enqueue(account, origin, receipt)
  local key = queue_keys[account]
  if not key then
    queue_names[account] = 'r:' .. account
    key = prefix .. 'q:r:' .. account
    queue_keys[account] = key
    grown[#grown + 1] = account
  end
  return queue_names[account], call('XADD', key, '*', 'o', origin, 'r', receipt)
end

local function supersede(queue, id)
  local key = prefix .. 's:' .. queue
  call('RPUSH', key, id)
  call('LTRIM', key, -25000, -1)
  call('EXPIRE', key, 172800)
end

-- One receipt meets a map. The new map (nil: unchanged), its expiry, outcome, queue.
local function settle(map, expiry, was_final, seen, last, want, account, at, arrival, final_ttl)
  local letter = string.char(arrival[4])
  if seen ~= '' and string.find(seen, letter, 1, true) then return nil, expiry, 2, '' end
  if was_final == 1 then return nil, expiry, 5, '' end
  local outcome, queue, final, id = 3, '', arrival[5], ''
  if bit.band(want, arrival[3]) ~= 0 then
    outcome = 0
    queue, id = enqueue(account, string.sub(map, at), arrival[6])
    if last ~= '' then supersede(queue, last) end
  end
  local rest = string.sub(map, 9 + #seen + #last)
  if seen ~= '' then letter = string.sub(seen .. letter, -200) end
  if final then
    expiry = math.min(expiry, now + final_ttl)
    return struct.pack(HEAD, 1, expiry, 1, #letter, letter, 0, '') .. rest, expiry, outcome, queue
  end
  return struct.pack(HEAD, 1, expiry, 0, #letter, letter, #id, id) .. rest, expiry, outcome, queue
end

-- Several maps are under the id: exactly one must fit.
local function meet_many(key, value, provider, arrival, final_ttl)
  local maps, place = live_maps(value), nil
  for i = 1, #maps do
    local _, _, _, _, _, _, _, destination = struct.unpack(MAP, maps[i])
    if fits(destination, arrival[2]) then
      if place then
        stray('quarantine', provider, 'ambiguous', now, arrival)
        return nil, 4, ''
      end
      place = i
    end
  end
  if not place then
    stray('quarantine', provider, 'destination', now, arrival)
    return nil, 4, ''
  end
  local _, expiry, final, seen, last, want, account, _, at = struct.unpack(MAP, maps[place])
  local map, _, outcome, queue =
    settle(maps[place], expiry, final, seen, last, want, account, at, arrival, final_ttl)
  if not map then return nil, outcome, queue end
  maps[place] = map
  return write_map(key, maps), outcome, queue
end

-- One receipt meets the value stored under an id. New value (nil: unchanged), outcome, queue.
local function meet(key, value, provider, arrival, final_ttl)
  if string.byte(value) ~= 1 then return meet_many(key, value, provider, arrival, final_ttl) end
  local _, expiry, final, seen, last, want, account, destination, at = struct.unpack(MAP, value)
  if destination ~= arrival[2] and not fits(destination, arrival[2]) then
    stray('quarantine', provider, 'destination', now, arrival)
    return nil, 4, ''
  end
  local map, ends, outcome, queue =
    settle(value, expiry, final, seen, last, want, account, at, arrival, final_ttl)
  if map then call('SET', key, map, 'EX', math.max(ends - now, 1)) end
  return map, outcome, queue
end

local function cut_grown()
  for _, account in ipairs(grown) do cut(queue_names[account], queue_keys[account]) end
end
