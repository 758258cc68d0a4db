-- The maps of a provider are the fields of one hash, by id: many of them are read and written at the
-- price of one command. mm:provider: id -> map; me:provider, by when maps end: ids, packed.
-- A map: version 1, expiry (unix s), final, states seen, last entry's id, then what never changes:
-- want, account, destination, origin. Version 2 holds several maps under one id, each with a length.
-- Version 3 is version 1 with flags, parts, part, group and more origins before want.
-- Version 4 is version 1 as long as nothing has changed it but one final receipt, which is told by
-- ms:provider, a hash as well: id -> 1 + state, expiry. There is neither final, states nor last in
-- such a map, and its origin is packed. Of a map of another version it says 255, or nothing.
-- Earlier versions kept each map under a key of its own, m:provider:id: these are found as well.
local MAX_MAPS, STRAYS, GRACE = 8, 10000, 3600
local HEAD, MAP, WIDE = '>BIBBc0Bc0', '>BIBBc0Bc0BBc0Bc0', '>BIBBc0Bc0BBBBc0Hc0BBc0Bc0'
local LATE, REMIND, DUE = 1, 2, 4

local function maps_of(value)
  if string.byte(value) ~= 2 then return {value} end
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

-- When a map goes. One that must still be looked at when it ends is kept for longer.
local function end_of(map)
  local version, expiry, final = struct.unpack('>BIB', map)
  if version ~= 3 or final ~= 0 then return expiry end
  local _, _, _, _, _, flags = struct.unpack('>BIBBc0Bc0B', map)
  if bit.band(flags, DUE) ~= 0 then return expiry + GRACE end
  return expiry
end

local function latest_end(maps)
  local latest = 0
  for i = 1, #maps do latest = math.max(latest, end_of(maps[i])) end
  return latest
end

local function live_maps(value)
  local live = {}
  for _, map in ipairs(maps_of(value)) do
    if end_of(map) > now then live[#live + 1] = map end
  end
  return live
end

local function states_key(provider) return prefix .. 'ms:' .. provider end

-- A map of version 4 as one of version 1; told: what ms:provider says of it.
local function as_plain(map, told)
  local _, expiry, _, account, destination, at = struct.unpack('>BIBBc0Bc0', map)
  local final, seen = 0, ''
  if told then
    seen, expiry = struct.unpack('>BI', told)
    final, seen = 1, string.char(seen - 1)
  end
  return struct.pack(HEAD, 1, expiry, final, #seen, seen, 0, '') .. string.sub(map, 6, at - 1) ..
    cmsgpack.unpack(string.sub(map, at))
end

local old_maps = {}

local function old_key(provider, id) return prefix .. 'm:' .. provider .. ':' .. id end

-- What is under an id and has not ended, in a version that is not 4; nil: nothing.
local function get_map(provider, id)
  local value = call('HGET', prefix .. 'mm:' .. provider, id)
  if not value then
    local key = old_key(provider, id)
    value = call('GET', key)
    if not value then return nil end
    old_maps[key] = true
  end
  if string.byte(value) == 4 then value = as_plain(value, call('HGET', states_key(provider), id)) end
  if latest_end(maps_of(value)) > now then return value end
  return nil
end

local function end_map_at(provider, id, ends)
  call('ZADD', prefix .. 'me:' .. provider, ends, cmsgpack.pack({id}))
end

-- ends: when its time is over, if that is sooner than was said before, or new.
local function put_map(provider, id, value, ends)
  call('HSET', prefix .. 'mm:' .. provider, id, value)
  call('HSET', states_key(provider), id, '\255')
  if ends then end_map_at(provider, id, ends) end
  local key = old_key(provider, id)
  if old_maps[key] then
    call('DEL', key)
    old_maps[key] = nil
    if not ends then end_map_at(provider, id, latest_end(maps_of(value))) end
  end
end

local function write_map(provider, id, maps)
  local value = value_of(maps)
  put_map(provider, id, value, math.max(latest_end(maps), now + 1))
  return value
end
local function read_map(map)
  local m, _ = {flags = 0, group = ''}, nil
  m.version = string.byte(map)
  if m.version == 3 then
    _, m.expiry, m.final, m.seen, m.last, m.flags, m.parts, m.part, m.group, m.also, m.want,
      m.account, m.destination, m.at = struct.unpack(WIDE, map)
  else
    _, m.expiry, m.final, m.seen, m.last, m.want, m.account, m.destination, m.at =
      struct.unpack(MAP, map)
  end
  return m
end

local function stray(stream, provider, reason, arrived, arrival)
  call('XADD', prefix .. stream, 'MAXLEN', STRAYS, '*', 'p', provider, 'w', reason,
       'a', tostring(arrived), 'd', cmsgpack.pack(arrival))
end

local queue_names = {}

-- A group's entry says too how many parts there are, and how many of them are good. Queue; id of the
-- entry where it is asked for.
local function enqueue(account, origin, receipt, parts, good, named)
  local queue = queue_names[account]
  if not queue then
    queue = 'r:' .. account
    queue_names[account] = queue
  end
  receipt = cmsgpack.pack(parts and {receipt, parts, good} or receipt)
  add_bundled(account, cmsgpack.pack(origin), receipt)
  return queue, named and id_of_last(account) or ''
end

local function supersede(queue, id)
  local key = prefix .. 'z:' .. queue
  call('ZADD', key, string.match(id, '^%d+'), id)
  call('ZREMRANGEBYRANK', key, 0, -25001)
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
    queue, id = enqueue(account, string.sub(map, at), arrival[6], nil, nil, not final)
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
