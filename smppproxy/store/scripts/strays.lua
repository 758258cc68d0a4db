-- args: kind, count, before ('': from the newest), skip. Reads for the operator; changes nothing.
-- Result: {{id, fields}, ...}, newest first; of parked ones the fields are provider, arrived, receipt.
local kind, count, before, skip = unpack(args)
local result = {}

local function parked_of(provider)
  local index = prefix .. 'pi:' .. provider
  local number = call('ZCARD', index)
  if skip >= number then
    skip = skip - number
    return
  end
  local names = call('ZREVRANGE', index, skip, skip + count - #result - 1)
  skip = 0
  for _, name in ipairs(names) do
    local value = call('HGET', prefix .. 'pd:' .. provider, name)
    if value then
      local arrived, arrival = unpack(cmsgpack.unpack(value))
      result[#result + 1] = {name, {'p', provider, 'w', 'parked', 'a', tostring(arrived),
                                    'd', cmsgpack.pack(arrival)}}
    end
  end
end

if kind == 'parked' then
  local providers = call('SMEMBERS', prefix .. 'pp')
  table.sort(providers)
  for _, provider in ipairs(providers) do
    if #result < count then parked_of(provider) end
  end
else
  local from = before == '' and '+' or '(' .. before
  result = call('XREVRANGE', prefix .. kind, from, '-', 'COUNT', count)
end
return cmsgpack.pack(result)
