package Lines;

# JSON lines: orders in, events out, beside sockets that may become readable.

use strict;
use warnings;
use JSON::PP;
use IO::Select;
use Time::HiRes qw(time);
use Exporter 'import';

our @EXPORT = qw(tell_event serve later said octets);

my $json = JSON::PP->new->canonical->ascii;
$| = 1;

sub octets { return pack 'H*', $_[0] }

sub tell_event {
    my ($event, %fields) = @_;
    print $json->encode({ event => $event, %fields }), "\n";
}

my @agenda;

# Calls the code after so many seconds, from serve.
sub later {
    my ($seconds, $code) = @_;
    @agenda = sort { $a->[0] <=> $b->[0] } @agenda, [ time + $seconds, $code ];
}

# How long serve may wait; undef: for as long as nothing comes.
sub patience {
    while (@agenda && $agenda[0][0] <= time) { (shift @agenda)->[1]->() }
    return @agenda ? $agenda[0][0] - time : undef;
}

# Runs until standard input ends. $orders: name => code; $readable: code called with each socket
# of the IO::Select that has something to read.
sub serve {
    my ($select, $orders, $readable) = @_;
    my $held = '';
    $select->add(\*STDIN);
    while (1) {
        for my $handle ($select->can_read(patience())) {
            if ($handle == \*STDIN) {
                sysread(STDIN, $held, 65536, length $held) or exit 0;
                while ($held =~ s/^([^\n]*)\n//) {
                    my $order = $json->decode($1);
                    $orders->{ $order->{do} }->($order);
                }
            }
            else { $readable->($handle) }
        }
    }
}

sub number { return defined $_[0] ? unpack('N', substr("\0\0\0\0" . $_[0], -4)) : undef }

# What a message says, whichever field carries it.
sub said {
    my ($pdu) = @_;
    my $payload = $pdu->{message_payload};
    my $text = defined $payload ? $payload : $pdu->{short_message};
    my $udh;
    if ($pdu->{esm_class} & 0x40) {
        $udh = substr $text, 0, ord($text) + 1, '';
    }
    my $sar;
    if (defined $pdu->{sar_msg_ref_num}) {
        $sar = [ map { 0 + number($pdu->{$_}) }
              qw(sar_msg_ref_num sar_total_segments sar_segment_seqnum) ];
    }
    return (
        source_addr         => $pdu->{source_addr},
        destination_addr    => $pdu->{destination_addr},
        esm_class           => 0 + $pdu->{esm_class},
        data_coding         => 0 + $pdu->{data_coding},
        registered_delivery => 0 + $pdu->{registered_delivery},
        text                => $text,
        octets              => unpack('H*', $text),
        udh                 => defined $udh ? unpack('H*', $udh) : undef,
        in_payload          => defined $payload ? JSON::PP::true : JSON::PP::false,
        sar                 => $sar,
    );
}

1;
