-- args: 'add', ttl, {hour, {field, number, ...}, hour, ...}: adds to the counts of hours; or
-- 'read', {hour, ...}: {fields and numbers of each}.
local what, first, second = unpack(args)
if what == 'read' then
  local result = {}
  for i, hour in ipairs(first) do
    result[i] = call('HGETALL', prefix .. 'n:' .. hour)
  end
  return cmsgpack.pack(result)
end
local done = kept()
if done then return cmsgpack.pack(done) end
for i = 1, #second, 2 do
  local key, counts = prefix .. 'n:' .. second[i], second[i + 1]
  for j = 1, #counts, 2 do call('HINCRBY', key, counts[j], counts[j + 1]) end
  call('EXPIRE', key, first)
end
keep(true)
return cmsgpack.pack(true)
