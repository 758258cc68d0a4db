-- args: queues. Result: {waiting, in hands, waiting, in hands, ...}
local result = {}
for i = 1, #args do
  local key, account = prefix .. 'q:' .. args[i], account_of(args[i])
  local length = call('XLEN', key)
  local held = redis.pcall('XPENDING', key, 'g')
  local in_hands = held.err and 0 or held[1]
  if account then
    length = length + count_bundled(account)
    in_hands = in_hands + count_held(account)
  end
  result[2 * i - 1] = math.max(length - in_hands, 0)
  result[2 * i] = in_hands
end
return cmsgpack.pack(result)
