-- A map: version 1, expiry (unix s), final, states seen, last entry's id, then what never changes:
-- want, account, destination, origin. Version 2 holds several maps under one id, each with a length.
-- Version 3 is version 1 with flags, parts, part, group and more origins before want.
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
  local version, expiry, final, _, _, flags = struct.unpack('>BIBBc0Bc0B', map)
  if version == 3 and final == 0 and bit.band(flags, DUE) ~= 0 then return expiry + GRACE end
  return expiry
end

local function live_maps(value)
  local live = {}
  for _, map in ipairs(maps_of(value)) do
    if end_of(map) > now then live[#live + 1] = map end
  end
  return live
end

local function write_map(key, maps)
  local latest = 0
  for i = 1, #maps do latest = math.max(latest, end_of(maps[i])) end
  local value = value_of(maps)
  call('SET', key, value, 'EX', math.max(latest - now, 1))
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
  add_bundled(account, origin, parts and {receipt, parts, good} or receipt)
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
