-- args: count, seconds ahead. Result: {provider, id, account, want, destination, origin, parts}, ...;
-- where queues lost something: {those, drops}
local done = kept_packed()
if done then return done end
local count, ahead = unpack(args)
local index = prefix .. 'due'
local result = {}
groups = open_groups()
local has, UNKNOWN = groups.has, 7

-- Whether the message is still open; what its group has is queued.
local function still_open(map, m)
  if m.group == '' then return true end
  local group = groups.read_group(m)
  if group.closed then return false end
  local nothing = #group.finals == 0
  if nothing then
    group.closed, group.state = true, UNKNOWN
  else
    groups.conclude(map, m, group)
  end
  group.expiry = math.max(group.expiry, now + GRACE)
  groups.write_group(m, group)
  return nothing
end

local function end_map(provider, id, map, m)
  if still_open(map, m) and has(m.flags, REMIND) then
    local origins = groups.more_origins(m)
    table.insert(origins, 1, string.sub(map, m.at))
    for _, origin in ipairs(origins) do
      result[#result + 1] = {provider, id, m.account, m.want, m.destination, origin, m.parts}
    end
  end
  return groups.with_state(map, m, UNKNOWN, 1, now + GRACE)
end

local function look_at(name)
  local colon = string.find(name, ':', 1, true)
  local provider, id = string.sub(name, 1, colon - 1), string.sub(name, colon + 1)
  local value = get_map(provider, id)
  call('ZREM', index, name)
  if not value then return end
  local maps = live_maps(value)
  for i = 1, #maps do
    local m = read_map(maps[i])
    if m.final == 0 and has(m.flags, DUE) then
      if m.expiry <= now + ahead then
        maps[i] = end_map(provider, id, maps[i], m)
      else
        call('ZADD', index, 'LT', m.expiry, name)
      end
    end
  end
  if #maps > 0 then write_map(provider, id, maps) end
end

for _, name in ipairs(call('ZRANGEBYSCORE', index, '-inf', now + ahead, 'LIMIT', 0, count)) do
  look_at(name)
end
local drops = cut_grown()
if drops then result = {result, drops} end
if #result > 0 then return keep(result) end
return cmsgpack.pack(result)
