-- What operators said. args: name, value, ...; a value of '' takes it back. Result: all of it.
local key = prefix .. 'wishes'
for i = 1, #args, 2 do
  if args[i + 1] == '' then
    call('HDEL', key, args[i])
  else
    call('HSET', key, args[i], args[i + 1])
  end
end
return cmsgpack.pack(call('HGETALL', key))
