-- Read the customers of a stretch of hashes, bucket by bucket, until there are many.
-- KEYS: state, customers (what the buckets' names begin with), names. ARGV: first hash, the first after the stretch,
-- how many customers are many.
-- Returns how many names there are, the hash with which to go on, then key and record of each customer.
local width, split = widths(tonumber(redis.call('HGET', KEYS[1], 'buckets') or FEWEST))
local hash, stop, many = tonumber(ARGV[1]), tonumber(ARGV[2]), 2 * tonumber(ARGV[3])
local found = {redis.call('LLEN', KEYS[3]), 0}
while hash < stop and #found < many do
  local first
  first, hash = stretch(hash, width, split)
  for _, value in ipairs(redis.call('HGETALL', KEYS[2] .. ':' .. first)) do
    found[#found + 1] = value
  end
end
found[2] = hash
return found
