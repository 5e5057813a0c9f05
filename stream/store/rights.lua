-- Try every command that the other scripts write by, on a key of its own, and leave nothing there.
-- KEYS: a key that nothing else uses. Returns command, what Redis said, … of those that it refuses.
local refused = {}
for _, call in ipairs({
  {'HSET', 'a', '1'}, {'HSETNX', 'b', '1'}, {'HINCRBY', 'a', '1'}, {'HDEL', 'b'}, {'UNLINK'},
  {'RPUSH', 'a'}, {'LTRIM', '0', '-1'}, {'UNLINK'},
  {'SET', 'a'}, {'APPEND', 'b'}, {'UNLINK'},
}) do
  local answer = redis.pcall(call[1], KEYS[1], unpack(call, 2))
  if type(answer) == 'table' and answer.err then
    refused[#refused + 1] = call[1]
    refused[#refused + 1] = answer.err
  end
end
return refused
