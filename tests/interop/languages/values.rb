# Reads typed values and writes them again, for values_test.py; lines in `NAME HEX`, out `NAME READ HEX`.
begin
  require 'msgpack'
rescue LoadError => e
  puts "skipped: #{e.message}; apt-get install ruby-msgpack"
  exit 77
end
$stdout.sync = true
puts "with msgpack #{MessagePack::VERSION} of Ruby"

def described(value)
  case value
  when Hash then "map:#{value.keys.sort.join(',')}"
  when String then "#{value.encoding == Encoding::BINARY ? 'bytes' : 'text'}:#{value.unpack1('H*')}"
  when Integer then "int:#{value}"
  else "float:#{value}"
  end
end

$stdin.each_line do |line|
  name, digits = line.split
  version, value = MessagePack.unpack([digits].pack('H*'))
  puts "#{name} #{described(value)} #{[version, value].to_msgpack.unpack1('H*')}"
end
