# A listening member of a baton mesh in Perl; README.md says what it does, and the same is there in other languages.
use v5.36;
use Time::HiRes 'time';

BEGIN {
    for my $needed (['ZMQ::FFI', 'libzmq-ffi-perl'], ['Data::MessagePack', 'libdata-messagepack-perl']) {
        next if eval "require $needed->[0]";
        say "skipped: no $needed->[0]; apt-get install $needed->[1]";
        exit 77;
    }
}
use ZMQ::FFI::Constants qw(:all);

$| = 1;
my ($mode, $endpoint, @words) = @ARGV;
my $context = ZMQ::FFI->new;
say "with ZMQ::FFI ", ZMQ::FFI->VERSION, ", libzmq ", join '.', $context->version;

my ($HELLO, $DELTA, $ACK, $LEAVING, $LEFT, $ASK) = (1, 3, 7, 8, 9, 11);
my ($WANTS_ANSWER, $SEES_YOU, $FULL) = (1, 2, 8);    # of a HELLO; in a LEFT 1 is the same, and 2 says that it is the answer
my $ANSWERS = 2;

# What a DELTA's rows say of registers: [key, value] of each put.
sub events($rows) {
    my ($at, @found) = (0);
    my $byte   = sub { ord substr $rows, $at++, 1 };
    my $varint = sub {
        my ($value, $shift) = (0, 0);
        while (1) {
            my $next = $byte->();
            $value |= ($next & 127) << $shift;
            return $value if $next < 128;
            $shift += 7;
        }
    };
    my $text = sub {
        my $length = $varint->();
        $at += $length;
        return substr $rows, $at - $length, $length;
    };
    while ($at < length $rows) {
        my $head = $byte->();
        my ($type, $removal) = ($head >> 4 & 7, $head & 1);
        $varint->();    # time
        my $key = $text->();
        $text->() if $type == 2 || $type == 3;
        my $value = !$removal || $type == 1 || $type == 5 || $type == 6 ? $text->() : '';
        $varint->() if $head & 4;    # epoch
        $varint->() if $head & 8;    # ttl
        if ($head & 2) { $varint->() for 1 .. 2 * $varint->() }    # kills
        push @found, [$key, $value] if $type == 0 && !$removal;
    }
    return @found;
}

# Data::MessagePack packs a string that is not marked as text in the form that older versions of MessagePack had: a peer
# of baton takes it for binary and for text alike.
my $packer = Data::MessagePack->new;
sub pack_frame(@fields) { $packer->pack([5, @fields]) }
sub unpack_frame($data) { @{ $packer->unpack($data) } }

sub listen_to($hosts) {
    open my $random, '<:raw', '/dev/urandom' or die;
    read $random, my $rest, 14;
    my $id = "\xff\0$rest";    # with a zero byte, as any may have
    my ($router, $xpub, $sub) = map { $context->socket($_) } ZMQ_ROUTER, ZMQ_XPUB, ZMQ_SUB;
    $router->set(ZMQ_ROUTER_HANDOVER, 'int', 1);
    $xpub->set(ZMQ_XPUB_VERBOSE, 'int', 1);
    $sub->subscribe($_) for '', "\1$id";
    $_->set_linger(500), $_->bind('tcp://127.0.0.1:*') for $router, $xpub;
    my ($port, $publish_port) = map { ($_->get(ZMQ_LAST_ENDPOINT, 'string') =~ /:(\d+)/)[0] + 0 } $router, $xpub;
    my $dial = sub($address) {
        my $dealer = $context->socket(ZMQ_DEALER);
        $dealer->set_linger(500);
        $dealer->set_identity("B$id");
        $dealer->connect($address);
        return { dealer => $dealer };
    };
    my $seed = $dial->($endpoint);
    my ($leaving, $done, %links, %marks) = (0, 0);    # links and marks by id; before its first HELLO the seed has none
    my $beat_at  = 0;
    my $everyone = sub { grep { $_ } $seed, grep { $_ != $seed } values %links };

    my $hello = sub($link, $flags) {
        $flags |= $FULL | ($link && $link->{marked} ? $SEES_YOU : 0);
        pack_frame($HELLO, 'default', 5, 5, $id, $flags, 'perl', $hosts, $port, $publish_port, 0, int(time * 1000) << 16,
            '', "\0" x 16, '');
    };

    # The link of who has greeted; it is dialled, and what it publishes subscribed to, the first time.
    my $met = sub($link, @fields) {
        my ($known, $flags) = @fields[3, 4];
        if (!$links{$known}) {
            my $address = "tcp://127.0.0.1:$fields[7]";    # its greeting may come by its own link first
            $links{$known} = $link // ($address eq $endpoint ? $seed : $dial->($address));
            $sub->connect("tcp://127.0.0.1:$fields[8]");
        }
        $link = $links{$known};
        $link->{marked} = $marks{$known};
        $link->{sees_me} ||= $flags & $SEES_YOU;
        my $up = $link->{sees_me} && $link->{marked};
        say "up ", unpack 'H*', $id if $up && !$link->{up} && $link == $seed;
        $link->{up} = $up;
        return $link;
    };
    my $take = sub($data, $link, $answer) {
        my ($version, $kind, @fields) = unpack_frame($data);
        if ($version != 5) {    # it has not heard yet which version is spoken here
            $answer->($hello->($link, $WANTS_ANSWER)) if $kind == $HELLO;
        }
        elsif ($kind == $HELLO) {
            $link = $met->($link, @fields);
            $answer->($hello->($link, 0)) if $fields[4] & $WANTS_ANSWER;
        }
        elsif ($kind == $ASK)     { $answer->(pack_frame($ACK, $id, 0, 0, '', $fields[1], 4, '')) }
        elsif ($kind == $LEAVING) { $answer->(pack_frame($ACK, $id, 0, $fields[1], '', 0)) }
        elsif ($kind == $LEFT) {
            $done = $leaving && $fields[2] & $ANSWERS;
            $answer->(pack_frame($LEFT, $id, 0, $ANSWERS, $fields[3])) if $fields[2] & $WANTS_ANSWER;
            delete $links{ $fields[0] } if !$leaving;
        }
    };
    my $mark = sub($topic) {
        return if length $topic != 18 || ord(substr $topic, 1) != 1;
        my $link = $links{ substr $topic, 2 };
        my $there = $marks{ substr $topic, 2 } = ord $topic;
        return if !$link;
        $link->{marked} = $there;
        $link->{dealer}->send($hello->($link, 0));
    };
    my $hear = sub($data) {
        my (undef, $kind, @fields) = unpack_frame($data);
        return if $kind != $DELTA;
        for (events($fields[6])) {
            my ($key, $value) = @$_;
            say "heard ", unpack('H*', $key), ' ', unpack('H*', $value);
            if ($key =~ m{^typed/}) {
                my ($version, $object) = unpack_frame($value);
                say "typed $key $version @$object";
            }
            next if $key ne 'end';
            $leaving = 1;
            $xpub->send(pack_frame($LEFT, $id, 0, 0, $id));
            $seed->{dealer}->send(pack_frame($LEFT, $id, 0, $WANTS_ANSWER, $id));
        }
    };
    until ($done) {
        if (time >= $beat_at) {
            $xpub->send($hello->(undef, 0));
            $_->{dealer}->send($hello->($_, $WANTS_ANSWER)) for grep { !$_->{up} } $everyone->();
            $beat_at = time + 0.25;
        }
        select undef, undef, undef, 0.005;    # the binding has no poll over several sockets
        $mark->($xpub->recv) while $xpub->has_pollin;
        $hear->($sub->recv)  while $sub->has_pollin;
        for my $link ($everyone->()) {
            my $dealer = $link->{dealer};
            $take->($dealer->recv, $link, sub($reply) { $dealer->send($reply) }) while $dealer->has_pollin;
        }
        while ($router->has_pollin) {
            my ($from, $data) = $router->recv_multipart;
            $take->($data, undef, sub($reply) { $router->send_multipart([$from, $reply]) });
        }
    }
    say 'left';
}

sub knock($server, $public, $secret) {
    my $dealer = $context->socket(ZMQ_DEALER);
    $dealer->set(ZMQ_CURVE_SERVERKEY, 'string', $server);
    $dealer->set(ZMQ_CURVE_PUBLICKEY, 'string', $public);
    $dealer->set(ZMQ_CURVE_SECRETKEY, 'string', $secret);
    $dealer->connect($endpoint);
    $dealer->send('sealed');
    $dealer->recv;
}

$mode eq 'curve' ? knock(@words) : listen_to($words[0] // '');
