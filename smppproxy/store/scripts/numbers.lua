-- args: name, count. Result: the first of the block.
local done = kept_packed()
if done then return done end
local first = call('INCRBY', prefix .. 'n:' .. args[1], args[2]) - args[2] + 1
return keep(first)
