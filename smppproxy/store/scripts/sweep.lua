-- args: queues, seconds a receipt may stay parked. Result: {name, count, name, count, ...}
local queues, parked_keep = unpack(args)
local result = {}

local function count(name, number)
  if number == 0 then return end
  result[#result + 1] = name
  result[#result + 1] = number
end

for i = 1, #queues do
  local key = prefix .. 'q:' .. queues[i]
  local dropped = expire(queues[i], key)
  count(queues[i], dropped + cut(queues[i], key))
end

for _, provider in ipairs(call('SMEMBERS', prefix .. 'pp')) do
  local index = prefix .. 'pi:' .. provider
  local names = call('ZRANGEBYSCORE', index, '-inf', now - parked_keep, 'LIMIT', 0, 1000)
  for _, name in ipairs(names) do orphan(provider, name) end
  count('p:' .. provider, #names)
  if call('EXISTS', index) == 0 then call('SREM', prefix .. 'pp', provider) end
end

for _, provider in ipairs(call('SMEMBERS', prefix .. 'mp')) do
  local ends_key = prefix .. 'me:' .. provider
  forget_ended(provider, call('ZRANGEBYSCORE', ends_key, '-inf', now, 'LIMIT', 0, 100))
end
return cmsgpack.pack(result)
