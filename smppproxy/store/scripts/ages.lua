-- args: queues. Result: {milliseconds, ...}: how old the oldest entry of each is, 0 for none.
local result = {}

local function age(key)
  local first = call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
  return first and math.max(now_ms - tonumber(string.match(first[1], '^%d+')), 0) or 0
end

for i = 1, #args do
  local account = account_of(args[i])
  result[i] = math.max(age(prefix .. 'q:' .. args[i]), account and age((keys_of(account))) or 0)
end
return cmsgpack.pack(result)
