-- The rest of a record: maps that are more than a plain one, and receipts that wait for theirs.

-- Another map is under this id already: keep both, unless it is this very map.
local function join(key, mine, static)
  local maps = live_maps(call('GET', key))
  for _, map in ipairs(maps) do
    local version, _, _, seen, last = struct.unpack(HEAD, map)
    if version == string.byte(mine) and string.sub(map, 9 + #seen + #last) == static then
      return
    end
  end
  maps[#maps + 1] = mine .. static
  while #maps > MAX_MAPS do table.remove(maps, 1) end
  write_map(key, maps)
end

local function write_wide(id, mine, static)
  local key, life = map_prefix .. id, ttl
  if bit.band(string.byte(static), DUE) ~= 0 then
    life = ttl + GRACE
    call('ZADD', prefix .. 'due', 'LT', expiry, provider .. ':' .. id)
  end
  if not call('SET', key, mine .. static, 'EX', life, 'NX') then join(key, mine, static) end
end

for _, i in ipairs(taken) do join(map_prefix .. flat[i], head, flat[i + 1]) end
if wide then
  local mine = '\3' .. string.sub(head, 2)
  for i = 1, #wide, 2 do write_wide(wide[i], mine, wide[i + 1]) end
end

local released = {}

local function release(ids)
  for i = 1, #ids, 2 do
    local key = map_prefix .. ids[i]
    for _, name in ipairs(park_names(provider, ids[i])) do
      local arrival = unpark(provider, name)
      if arrival then
        local _, outcome, queue = meet(key, call('GET', key), provider, arrival, final_ttl)
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
end

if is_awaited then
  release(flat)
  if wide then release(wide) end
  local drops = cut_grown()
  if drops then released = {released, drops} end
  if #released > 0 then return keep(released) end
end
return cmsgpack.pack(released)
