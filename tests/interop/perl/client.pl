#!/usr/bin/perl

# Net::SMPP as a client. One argument, JSON: host, port.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use IO::Select;
use JSON::PP;
use Net::SMPP;
use Lines;

my $settings = decode_json($ARGV[0]);
my $select = IO::Select->new;
my %tags;
my $asked = '';

my $smpp = Net::SMPP->new_connect($settings->{host}, port => $settings->{port}, timeout => 10,
    async => 1, smpp_version => 0x34)
  or die "no connection: $!";
$select->add($smpp);
tell_event('connected');

my %bind = (
    tx  => sub { $smpp->bind_transmitter(@_) },
    rx  => sub { $smpp->bind_receiver(@_) },
    trx => sub { $smpp->bind_transceiver(@_) },
);

sub message {
    my ($order) = @_;
    my $content = octets(($order->{udh} || '') . $order->{octets});
    my @fields = (
        source_addr         => $order->{from},
        destination_addr    => $order->{to},
        registered_delivery => $order->{registered},
        data_coding         => $order->{coding} || 0,
        esm_class           => $order->{udh} ? 0x40 : 0,
    );
    push @fields, short_message => $order->{payload} ? '' : $content;
    if (my $sar = $order->{sar}) {
        push @fields,
          sar_msg_ref_num    => pack('n', $sar->[0]),
          sar_total_segments => pack('C', $sar->[1]),
          sar_segment_seqnum => pack('C', $sar->[2]);
    }
    push @fields, message_payload => $content if $order->{payload};
    return @fields;
}

my %orders = (
    bind => sub {
        my ($order) = @_;
        $bind{ $order->{mode} }
          ->(system_id => $order->{system_id}, password => $order->{password});
    },
    submit => sub {
        my ($order) = @_;
        my $seq = $smpp->submit_sm(message($order));
        $tags{$seq} = $order->{tag};
    },
    enquire => sub { $smpp->enquire_link },
    unbind  => sub { $smpp->unbind },
);

my %seen = (
    bind => sub {
        my ($pdu) = @_;
        my $version = $pdu->{sc_interface_version};
        tell_event('bound',
            status               => 0 + $pdu->status,
            system_id            => $pdu->{system_id},
            sc_interface_version => defined $version ? ord $version : undef);
    },
    submit_sm_resp => sub {
        my ($pdu) = @_;
        tell_event('submitted',
            tag        => delete $tags{ $pdu->seq },
            status     => 0 + $pdu->status,
            message_id => $pdu->message_id);
    },
    deliver_sm => sub {
        my ($pdu) = @_;
        $smpp->deliver_sm_resp(seq => $pdu->seq, message_id => '');
        my $id = $pdu->{receipted_message_id};
        $id =~ s/\0\z// if defined $id;
        my $state = $pdu->{message_state};
        tell_event('delivered', said($pdu),
            receipted_message_id => $id,
            message_state        => defined $state ? ord $state : undef);
    },
    enquire_link => sub {
        $smpp->enquire_link_resp(seq => $_[0]->seq);
        tell_event('enquired');
    },
    enquire_link_resp => sub { tell_event('enquire_answered', status => 0 + $_[0]->status) },
    unbind            => sub {
        $smpp->unbind_resp(seq => $_[0]->seq);
        tell_event('asked_to_unbind');
    },
    unbind_resp => sub {
        tell_event('unbound', status => 0 + $_[0]->status);
        hang_up();
    },
);

sub hang_up {
    $select->remove($smpp);
    $smpp->close;
    tell_event('closed');
}

serve($select, \%orders, sub {
    my $pdu = $smpp->read_pdu or return hang_up();
    my $name = $pdu->explain_cmd;
    my $code = $seen{$name} || ($name =~ /^bind_\w+_resp$/ && $seen{bind});
    return $code->($pdu) if $code;
    tell_event('error', text => "unexpected $name");
});
