package main

import (
	"bytes"

	"centralino/board/boot"
)

// settingsText is centralino.txt as it comes: everything is asked for by DHCP.
const settingsText = "" +
	"# Rete del centralino. Le righe che cominciano con # non si leggono.\r\n" +
	"# Togli il # davanti alle righe che servono e cambia i valori; poi rimetti la\r\n" +
	"# scheda e accendi. Senza \"indirizzo\" il centralino chiede tutto al router (DHCP).\r\n" +
	"#\r\n" +
	"# Network of the box. Lines that begin with # are not read. Take the # away where\r\n" +
	"# you need the line. The words name, address, gateway, dns, ntp do as well.\r\n" +
	"\r\n" +
	"#nome = centralino\r\n" +
	"#indirizzo = 192.168.1.10/24\r\n" +
	"#router = 192.168.1.1\r\n" +
	"#dns = 192.168.1.1\r\n" +
	"#ora = 192.168.1.1\r\n"

// noteText is CODICE.TXT as it comes: a sector, in which the box writes its one-time code
// at the first start.
func noteText() []byte {
	text := "Al primo avvio il centralino scrive qui un codice per prenderlo in carico.\r\n" +
		"At its first start the box writes a code here by which it can be claimed.\r\n"
	return append([]byte(text), bytes.Repeat([]byte("\n"), boot.Sector-len(text))...)
}

const helpText = "" +
	"Centralino\r\n" +
	"\r\n" +
	"Questa partizione si legge da qualunque computer. centralino.txt contiene le\r\n" +
	"impostazioni di rete e si puo' cambiare; CODICE.TXT il codice per prendere in\r\n" +
	"carico un centralino nuovo; autoboot.txt dice quale sistema parte e non va toccato.\r\n" +
	"Licenze e offerta dei sorgenti: LICENZE.TXT nelle due partizioni che seguono.\r\n" +
	"\r\n" +
	"Any computer can read this partition. centralino.txt holds the network settings\r\n" +
	"and may be changed; CODICE.TXT the code by which a new box is claimed; autoboot.txt\r\n" +
	"says which system starts and must not be touched. Licences and the offer of source\r\n" +
	"code: LICENZE.TXT in the two partitions that follow.\r\n"
