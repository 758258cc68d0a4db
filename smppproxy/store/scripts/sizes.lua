-- args: queues. Result: {waiting, in hands, waiting, in hands, ...}
local result = {}
for i = 1, #args do
  local key = prefix .. 'q:' .. args[i]
  local length = call('XLEN', key)
  local held = redis.pcall('XPENDING', key, 'g')
  local in_hands = held.err and 0 or held[1]
  result[2 * i - 1] = math.max(length - in_hands, 0)
  result[2 * i] = in_hands
end
return cmsgpack.pack(result)
