# A listening member of a baton mesh in Ruby; README.md says what it does, and the same is there in other languages.
begin
  require 'ffi-rzmq'
  require 'msgpack'
rescue LoadError => e
  puts "skipped: #{e.message}; apt-get install ruby-ffi-rzmq ruby-msgpack"
  exit 77
end
require 'securerandom'
require 'stringio'

$stdout.sync = true
mode, endpoint, *words = ARGV
library = LibZMQ.version
puts "with ffi-rzmq #{ZMQ::VERSION}, libzmq #{library.values_at(:major, :minor, :patch).join('.')}"

HELLO, DELTA, ACK, LEAVING, LEFT, ASK = 1, 3, 7, 8, 9, 11
WANTS_ANSWER, SEES_YOU, FULL = 1, 2, 8 # of a HELLO; in a LEFT 1 is the same, and 2 says that it is the answer
ANSWERS = 2
NONE = ''.b

# What a DELTA's rows say of registers: key and value of each put.
def events(rows)
  bytes = StringIO.new(rows)
  varint = lambda do
    value = shift = 0
    loop do
      byte = bytes.readbyte
      value |= (byte & 127) << shift
      return value if byte < 128

      shift += 7
    end
  end
  text = -> { (length = varint.call).zero? ? NONE : bytes.read(length) }
  until bytes.eof?
    head = bytes.readbyte
    type, removal = head >> 4 & 7, head & 1 == 1
    varint.call # time
    key = text.call
    text.call if [2, 3].include?(type)
    value = text.call if !removal || [1, 5, 6].include?(type)
    varint.call if head & 4 != 0 # epoch
    varint.call if head & 8 != 0 # ttl
    (2 * varint.call).times { varint.call } if head & 2 != 0 # kills
    yield key, value if type.zero? && !removal
  end
end

# One of the other members: a DEALER to it, and what is known of each other.
Link = Struct.new(:dealer, :sees_me, :marked, :up)

class Peer
  def initialize(endpoint, hosts)
    @id = "\xff\0".b + SecureRandom.bytes(14) # with a zero byte, as any may have
    @hosts, @context, @poller = hosts, ZMQ::Context.new, ZMQ::Poller.new
    @router, @xpub, @sub = [ZMQ::ROUTER, ZMQ::XPUB, ZMQ::SUB].map { |kind| socket(kind) }
    set(@router, ZMQ::ROUTER_HANDOVER)
    set(@xpub, ZMQ::XPUB_VERBOSE)
    @sub.setsockopt(ZMQ::SUBSCRIBE, NONE)
    @sub.setsockopt(ZMQ::SUBSCRIBE, "\1".b + @id)
    @port, @publish_port = [@router, @xpub].map { |bound| bind(bound) }
    @links, @marks = {}, {} # by id; before the first HELLO the seed has none
    @endpoint = endpoint
    @seed = dial(endpoint)
  end

  def socket(kind)
    made = @context.socket(kind)
    made.setsockopt(ZMQ::LINGER, 500)
    @poller.register_readable(made)
    made
  end

  # Socket#setsockopt of ffi-rzmq 2.0.7 knows neither of these two options, and raises.
  def set(socket, option)
    value = FFI::MemoryPointer.new(:int).write_int(1)
    abort "option #{option}" if LibZMQ.zmq_setsockopt(socket.socket, option, value, value.size).negative?
  end

  def bind(socket)
    socket.bind('tcp://127.0.0.1:*')
    bound = []
    socket.getsockopt(ZMQ::LAST_ENDPOINT, bound)
    bound[0].delete("\0").split(':').last.to_i
  end

  def dial(endpoint)
    dealer = socket(ZMQ::DEALER)
    dealer.setsockopt(ZMQ::IDENTITY, 'B'.b + @id)
    dealer.connect(endpoint)
    Link.new(dealer, false, false, false)
  end

  def pack(*fields)
    [5, *fields].to_msgpack
  end

  def hello(link, flags)
    pack(HELLO, 'default', 5, 5, @id, flags | FULL | (link&.marked ? SEES_YOU : 0), 'ruby', @hosts, @port, @publish_port, 0,
         (Time.now.to_f * 1000).to_i << 16, NONE, ("\0" * 16).b, NONE)
  end

  def run
    until @done
      if Time.now.to_f >= (@beat_at || 0)
        @xpub.send_string(hello(nil, 0))
        [@seed, *@links.values].uniq.each { |link| greet(link, WANTS_ANSWER) unless link.up }
        @beat_at = Time.now.to_f + 0.25
      end
      @poller.poll(50)
      @poller.readables.each do |ready|
        parts = []
        receive(ready, parts) if ready.recv_strings(parts, ZMQ::DONTWAIT) >= 0
      end
    end
    puts 'left'
  end

  def greet(link, flags)
    link.dealer.send_string(hello(link, flags), ZMQ::DONTWAIT)
  end

  def receive(ready, parts)
    case ready
    when @xpub then mark(parts[0])
    when @sub then hear(MessagePack.unpack(parts[0]))
    when @router then take(MessagePack.unpack(parts[1]), nil) { |reply| @router.send_strings([parts[0], reply]) }
    else
      link = [@seed, *@links.values].find { |known| known.dealer == ready }
      take(MessagePack.unpack(parts[0]), link) { |reply| ready.send_string(reply) }
    end
  end

  def mark(topic)
    return unless topic.bytesize == 18 && topic.getbyte(1) == 1

    link = @links[topic.byteslice(2, 16)]
    @marks[topic.byteslice(2, 16)] = topic.getbyte(0) == 1
    return unless link

    link.marked = topic.getbyte(0) == 1
    greet(link, 0)
  end

  def take(frame, link)
    version, kind, *fields = frame
    if version != 5 # it has not heard yet which version is spoken here
      yield hello(link, WANTS_ANSWER) if kind == HELLO
      return
    end

    case kind
    when HELLO
      link = met(fields, link)
      yield hello(link, 0) if fields[4] & WANTS_ANSWER != 0
    when ASK then yield pack(ACK, @id, 0, 0, NONE, fields[1], 4, NONE)
    when LEAVING then yield pack(ACK, @id, 0, fields[1], NONE, 0)
    when LEFT
      @done = @leaving && fields[2] & ANSWERS != 0
      @links.delete(fields[0]) unless @leaving
      yield pack(LEFT, @id, 0, ANSWERS, fields[3]) if fields[2] & WANTS_ANSWER != 0
    end
  end

  # The link of who has greeted; it is dialled, and what it publishes subscribed to, the first time.
  def met(fields, link)
    id, flags, port, publish_port = fields.values_at(3, 4, 7, 8)
    unless @links[id]
      address = "tcp://127.0.0.1:#{port}" # its greeting may come by its own link first
      @links[id] = link || (address == @endpoint ? @seed : dial(address))
      @links[id].marked = @marks[id]
      @sub.connect("tcp://127.0.0.1:#{publish_port}")
    end
    link = @links[id]
    link.sees_me ||= flags & SEES_YOU != 0
    puts "up #{@id.unpack1('H*')}" if link == @seed && link.sees_me && link.marked && !link.up
    link.up = link.sees_me && link.marked
    link
  end

  def hear(frame)
    return unless frame[1] == DELTA

    events(frame[8]) do |key, value|
      puts "heard #{key.unpack1('H*')} #{value.unpack1('H*')}"
      puts "typed #{key} #{MessagePack.unpack(value).flatten.join(' ')}" if key.start_with?('typed/')
      leave if key == 'end'
    end
  end

  def leave
    @leaving = true
    @xpub.send_string(pack(LEFT, @id, 0, 0, @id))
    @seed.dealer.send_string(pack(LEFT, @id, 0, WANTS_ANSWER, @id))
  end
end

def knock(endpoint, server, public, secret)
  dealer = ZMQ::Context.new.socket(ZMQ::DEALER)
  { ZMQ::CURVE_SERVERKEY => server, ZMQ::CURVE_PUBLICKEY => public, ZMQ::CURVE_SECRETKEY => secret }.each do |option, key|
    abort 'no CURVE' if dealer.setsockopt(option, key).negative?
  end
  dealer.connect(endpoint)
  dealer.send_string('sealed')
  dealer.recv_string(+'')
end

mode == 'curve' ? knock(endpoint, *words) : Peer.new(endpoint, words[0] || '').run
