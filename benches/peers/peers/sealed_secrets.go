// The scheme of Bitnami's Sealed Secrets, written anew from its published layout:
//
//	u16 length of c ‖ c = RSA-OAEP-SHA256(session key, label) ‖ AES-256-GCM(session key, nonce 0, plaintext)
//
// Reads lines `seal|open BITS BYTES COUNT`, answers the COUNT times it took, in nanoseconds. Keys are parsed and the
// message to open is made before the clock runs.
package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

var label = []byte("namespace/name")

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func gcm(key []byte) cipher.AEAD {
	return must(cipher.NewGCM(must(aes.NewCipher(key))))
}

func seal(public *rsa.PublicKey, plaintext []byte) []byte {
	key := make([]byte, 32)
	must(rand.Read(key))
	encrypted := must(rsa.EncryptOAEP(sha256.New(), rand.Reader, public, key, label))
	out := binary.BigEndian.AppendUint16(nil, uint16(len(encrypted)))
	out = append(out, encrypted...)
	aead := gcm(key)
	return aead.Seal(out, make([]byte, aead.NonceSize()), plaintext, nil)
}

func open(private *rsa.PrivateKey, sealed []byte) []byte {
	length := int(binary.BigEndian.Uint16(sealed))
	key := must(rsa.DecryptOAEP(sha256.New(), rand.Reader, private, sealed[2:2+length], label))
	aead := gcm(key)
	return must(aead.Open(nil, make([]byte, aead.NonceSize()), sealed[2+length:], nil))
}

func read(folder string, bits int, suffix string) []byte {
	block, _ := pem.Decode(must(os.ReadFile(fmt.Sprintf("%s/agent-a%d%s", folder, bits, suffix))))
	return block.Bytes
}

func main() {
	public, private := map[int]*rsa.PublicKey{}, map[int]*rsa.PrivateKey{}
	for _, bits := range []int{2048, 3072, 4096} {
		certificate := must(x509.ParseCertificate(read(os.Args[1], bits, ".pem")))
		public[bits] = certificate.PublicKey.(*rsa.PublicKey)
		private[bits] = must(x509.ParsePKCS8PrivateKey(read(os.Args[1], bits, ".key.pem"))).(*rsa.PrivateKey)
	}
	fmt.Println(runtime.Version())
	for {
		var op string
		var bits, size, count int
		if _, err := fmt.Scan(&op, &bits, &size, &count); err != nil {
			return
		}
		message := bytes.Repeat([]byte("x"), size)
		sealed := seal(public[bits], message)
		if !bytes.Equal(open(private[bits], sealed), message) {
			panic("it does not open")
		}
		times := make([]string, count)
		for i := range times {
			start := time.Now()
			if op == "seal" {
				seal(public[bits], message)
			} else {
				open(private[bits], sealed)
			}
			times[i] = fmt.Sprint(time.Since(start).Nanoseconds())
		}
		fmt.Println(strings.Join(times, " "))
	}
}
