package main

import (
	"fmt"
	"os"
	"strings"
)

// alphabet is the character that each class of a recogniser stands for.
type alphabet []string

// blank is the class between characters.
const blank = 0

// asciiClasses are the classes of the characters from '!' to '~' in the Chinese
// models of PP-OCR up to version 4, whose dictionary is ppocr_keys_v1.txt.
var asciiClasses = [...]int{
	166, 1822, 5461, 4885, 1811, 2854, 1, 721, 965, 488, 3573, 34, 28, 466, 487, 26, // !"#$%&'()*+,-./0
	93, 25, 94, 632, 631, 933, 29, 27, 1109, 32, 402, 3490, 1989, 31, 2456, 1529, // 123456789:;<=>?@
	1221, 3588, 4244, 1220, 4381, 1219, 5128, 425, 3587, 2697, 5193, 3506, 3639, 3589, 4741, 1310, // ABCDEFGHIJKLMNOP
	4731, 5127, 1217, 1381, 4497, 5405, 5033, 5200, 1218, 4136, 1105, 4428, 33, 3626, 3627, 5335, // QRSTUVWXYZ[\]^_`
	4544, 3463, 4902, 5171, 3332, 4389, 4548, 3539, 3538, 5493, 4849, 2710, 5233, 4547, 4245, 4545, // abcdefghijklmnop
	2156, 1958, 1033, 3333, 1034, 4922, 3537, 2993, 4546, 3316, 5489, 401, 4078, 4128, // qrstuvwxyz{|}~
}

// newAlphabet reads a dictionary with a character a line, for classes from 1 on;
// the last class is the space. Without a file it has the characters of ASCII,
// and U+FFFD for all others.
func newAlphabet(file string, classes int) (alphabet, error) {
	a := make(alphabet, classes)
	if file == "" {
		if classes != 6625 {
			return nil, fmt.Errorf("the recogniser has %d classes, the one whose ASCII is known has 6625: give -keys", classes)
		}
		for i := range a {
			a[i] = "\uFFFD"
		}
		for i, class := range asciiClasses {
			a[class] = string(rune('!' + i))
		}
	} else {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		lines := strings.Split(strings.TrimSuffix(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n"), "\n")
		if len(lines) != classes-2 {
			return nil, fmt.Errorf("%s has %d lines: the recogniser has %d classes, one of them blank, one the space", file, len(lines), classes)
		}
		copy(a[1:], lines)
	}
	a[blank], a[classes-1] = "", " "
	return a, nil
}
