-- args: name, count. Result: the first of the block.
local done = kept()
if done then return cmsgpack.pack(done) end
local first = call('INCRBY', prefix .. 'n:' .. args[1], args[2]) - args[2] + 1
keep(first)
return cmsgpack.pack(first)
