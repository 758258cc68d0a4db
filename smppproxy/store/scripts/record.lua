-- args: provider, ttl, final ttl for what was parked, {id, map, id, map, ...}
local done = kept()
if done then return cmsgpack.pack(done) end
local provider, ttl, final_ttl, flat = unpack(args)
local expiry = now + ttl
local head = struct.pack('>BIBBB', 1, expiry, 0, 0, 0)
local map_prefix = prefix .. 'm:' .. provider .. ':'

-- Another map is under this id already: keep both, unless it is this very map.
local function join(key, static)
  local maps = live_maps(call('GET', key))
  for _, map in ipairs(maps) do
    local _, _, _, seen, last = struct.unpack(HEAD, map)
    if string.sub(map, 9 + #seen + #last) == static then return end
  end
  maps[#maps + 1] = head .. static
  while #maps > MAX_MAPS do table.remove(maps, 1) end
  write_map(key, maps)
end

for i = 1, #flat, 2 do
  local key = map_prefix .. flat[i]
  if not call('SET', key, head .. flat[i + 1], 'EX', ttl, 'NX') then join(key, flat[i + 1]) end
end

local released = {}
if call('EXISTS', prefix .. 'pi:' .. provider) == 1 then
  for i = 1, #flat, 2 do
    local key = map_prefix .. flat[i]
    for _, name in ipairs(park_names(provider, flat[i])) do
      local arrival = unpark(provider, name)
      if arrival then
        local _, _, queue = meet(key, call('GET', key), provider, arrival, final_ttl)
        released[#released + 1] = queue
      end
    end
  end
  cut_grown()
  if #released > 0 then keep(released) end
end
return cmsgpack.pack(released)
