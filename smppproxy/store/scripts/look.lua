-- args: what, of what. Reads for the operator; changes nothing.
local what, name, count = unpack(args)
local result
if what == 'drops' then
  result = call('HGETALL', prefix .. 'drops')
  for i = 2, #result, 2 do result[i] = tonumber(result[i]) end
elseif what == 'parked' then
  result = call('ZCARD', prefix .. 'pi:' .. name)
else
  result = call('XREVRANGE', prefix .. name, '+', '-', 'COUNT', count)
end
return cmsgpack.pack(result)
