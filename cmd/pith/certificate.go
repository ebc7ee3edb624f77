package main

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"

	"pith/configs"
	"pith/internal/textfile"
)

// A certificateFile is that of the server, read again with each reload. The nil one is of a server
// without TLS.
type certificateFile struct {
	cert, key string // files
	now       atomic.Pointer[tls.Certificate]
}

func loadCertificate(cfg configs.Server) (*certificateFile, error) {
	if cfg.TLSCert == "" {
		return nil, nil
	}
	c := &certificateFile{cert: cfg.TLSCert, key: cfg.TLSKey}
	now, err := c.read()
	c.use(now)
	return c, err
}

func (c *certificateFile) read() (*tls.Certificate, error) {
	if c == nil {
		return nil, nil
	}
	cert, err := textfile.Read(c.cert, textfile.MaxSettings)
	if err != nil {
		return nil, fmt.Errorf("server.tls_cert: %w", err)
	}
	key, err := textfile.Read(c.key, textfile.MaxSettings)
	if err != nil {
		return nil, fmt.Errorf("server.tls_key: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("server.tls_cert %s with server.tls_key %s: %w", c.cert, c.key, err)
	}
	return &pair, nil
}

func (c *certificateFile) use(pair *tls.Certificate) {
	if c != nil {
		c.now.Store(pair)
	}
}

func (c *certificateFile) config() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.now.Load(), nil },
	}
}
