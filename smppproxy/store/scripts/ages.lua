-- args: queues. Result: {milliseconds, ...}: how old the oldest entry of each is, 0 for none.
local result = {}
for i = 1, #args do
  local first = call('XRANGE', prefix .. 'q:' .. args[i], '-', '+', 'COUNT', 1)[1]
  result[i] = first and math.max(now_ms - tonumber(string.match(first[1], '^%d+')), 0) or 0
end
return cmsgpack.pack(result)
