# Reads typed values and writes them again: values.pl [utf8], for values_test.py; lines in `NAME HEX`, out `NAME READ HEX`.
use v5.36;
use B ();
if (!eval { require Data::MessagePack }) {
    say 'skipped: no Data::MessagePack; apt-get install libdata-messagepack-perl';
    exit 77;
}
$| = 1;
say 'with Data::MessagePack ', Data::MessagePack->VERSION, map { ", $_" } @ARGV;
my $packer = Data::MessagePack->new;
$packer->utf8 if @ARGV;

sub described($value) {
    return 'map:' . join ',', sort keys %$value if ref $value eq 'HASH';
    my $flags = B::svref_2object(\$value)->FLAGS;
    return "int:$value"   if $flags & B::SVf_IOK;
    return "float:$value" if $flags & B::SVf_NOK;
    my $text = utf8::is_utf8($value);
    utf8::encode($value) if $text;
    return ($text ? 'text:' : 'bytes:') . unpack 'H*', $value;
}

while (<STDIN>) {
    my ($name, $digits) = split;
    my ($version, $value) = @{ $packer->unpack(pack 'H*', $digits) };
    say "$name ", described($value), ' ', unpack 'H*', $packer->pack([$version, $value]);
}
