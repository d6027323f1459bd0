package main

import (
	"testing"

	"github.com/fullon/fullon/internal/cmdtest"
)

func TestMain(m *testing.M) { cmdtest.Main(m, main) }

func TestConventions(t *testing.T) { cmdtest.Conventions(t, "fullon") }
