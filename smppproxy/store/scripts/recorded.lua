-- The rest of a record: maps that are more than a plain one, receipts that wait for theirs, and maps
-- whose time is over.

-- Another map is under this id already: keep both, unless it is this very map.
local function join(id, mine)
  local value, static = get_map(provider, id), string.sub(mine, 9)
  local maps = value and live_maps(value) or {}
  for _, map in ipairs(maps) do
    local version, _, _, seen, last = struct.unpack(HEAD, map)
    if version == string.byte(mine) and string.sub(map, 9 + #seen + #last) == static then
      return
    end
  end
  maps[#maps + 1] = mine
  while #maps > MAX_MAPS do table.remove(maps, 1) end
  write_map(provider, id, maps)
end

local function write_wide(id, map)
  if bit.band(string.byte(map, 9), DUE) ~= 0 then
    call('ZADD', prefix .. 'due', 'LT', expiry, provider .. ':' .. id)
  end
  if call('HSETNX', maps_key, id, map) == 1 then
    end_map_at(provider, id, end_of(map))
  else
    join(id, map)
  end
end

for _, i in ipairs(taken) do join(ids[i], as_plain(head .. statics[i])) end
if wide then
  local fresh = struct.pack(HEAD, 3, expiry, 0, 0, '', 0, '')
  for i = 1, #wide, 2 do write_wide(wide[i], fresh .. wide[i + 1]) end
end

local released = {}

local function release(id)
  for _, name in ipairs(park_names(provider, id)) do
    local arrival = unpark(provider, name)
    if arrival then
      local _, outcome, queue = meet(provider, id, get_map(provider, id), arrival, final_ttl)
      if outcome then
        released[#released + 1] = outcome
        released[#released + 1] = queue
      elseif #arrival[1] > 1 then
        park(provider, arrival)
      else
        stray('quarantine', provider, queue, now, arrival)
        released[#released + 1] = 4
        released[#released + 1] = ''
      end
    end
  end
end

if is_awaited then
  for _, id in ipairs(ids) do release(id) end
  for i = 1, wide and #wide or 0, 2 do release(wide[i]) end
end
if is_first then call('SADD', prefix .. 'mp', provider) end
forget_ended(provider, ended)
local drops = cut_grown()
if drops then released = {released, drops} end
if #released > 0 then return keep(released) end
return cmsgpack.pack(#taken == 0 and expiry or released)
