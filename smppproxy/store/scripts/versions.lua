-- The network as numbered versions: version, the current number; versions, a hash of number by what
-- is told of it; version:N, its blob. args: what, ...
local what = args[1]
local current = tonumber(call('GET', prefix .. 'version') or '0')
local all = prefix .. 'versions'

local function add(blob, by, why, sha256, expected, origin, kept_count)
  local done = kept()
  if done then return done end
  if current ~= expected then return {0, current} end
  local number = current + 1
  call('SET', prefix .. 'version:' .. number, blob)
  call('HSET', all, number, cmsgpack.pack({number, now, by, why, origin, sha256, #blob}))
  call('SET', prefix .. 'version', number)
  local last = number - kept_count
  if last > 0 then
    call('HDEL', all, last)
    call('DEL', prefix .. 'version:' .. last)
  end
  keep({1, number})
  return {1, number}
end

local function newest(count)
  local found = {}
  for number = current, math.max(current - count, 0) + 1, -1 do
    local told = call('HGET', all, number)
    if told then found[#found + 1] = told end
  end
  return found
end

local function get(number)
  local told = call('HGET', all, number)
  local blob = call('GET', prefix .. 'version:' .. number)
  return told and blob and {told, blob} or {}
end

local result = current
if what == 'add' then result = add(unpack(args, 2)) end
if what == 'get' then result = get(args[2]) end
if what == 'newest' then result = newest(args[2]) end
return cmsgpack.pack(result)
