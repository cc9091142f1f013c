/*
 * Makes programs believe that they run on an older x86 processor: ONNX Runtime then takes the kernels that such a one
 * gets. Linux on Intel, where /proc/cpuinfo has cpuid_fault.
 *
 *   cc -O2 -shared -fPIC -o /tmp/older.so _tools/older_processor.c -ldl
 *   LD_PRELOAD=/tmp/older.so deno test --allow-all ...
 *
 * The kernel lets the instruction CPUID fault (arch_prctl, ARCH_CPUID_SET), and the handler of the fault answers without
 * AVX-512, VNNI, AMX and AVX-VNNI; with OLDER=sse in the environment without AVX, AVX2 and FMA too. Who installs a handler
 * of SIGSEGV of their own, as engines do, is called for all other faults.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_CPUID_SET 0x1012
#define BIT(n) (1u << (n))

static struct sigaction theirs;
static int (*real_sigaction)(int, const struct sigaction *, struct sigaction *);
static int is_sse;

static void set_cpuid(int works) { syscall(SYS_arch_prctl, ARCH_CPUID_SET, works); }

/* Takes away features, by the bits of Intel's manual, volume 2, CPUID. */
static void take_away(unsigned leaf, unsigned part, unsigned *a, unsigned *b, unsigned *c, unsigned *d) {
  if (leaf == 1 && is_sse) *c &= ~(BIT(12) | BIT(28) | BIT(29)); /* FMA, AVX, F16C */
  if (leaf == 7 && part == 0) {
    *b &= ~(BIT(16) | BIT(17) | BIT(21) | BIT(28) | BIT(30) | BIT(31));        /* AVX-512 F, DQ, IFMA, CD, BW, VL */
    *c &= ~(BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14));                    /* VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ */
    *d &= ~(BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25)); /* 4VNNIW, 4FMAPS, VP2INTERSECT, AMX, FP16 */
    if (is_sse) *b &= ~BIT(5);                                                 /* AVX2 */
  }
  if (leaf == 7 && part == 1) {
    *a &= ~(BIT(4) | BIT(5) | BIT(21) | BIT(23));         /* AVX-VNNI, AVX-512 BF16, AMX-FP16, AVX-IFMA */
    *d &= ~(BIT(4) | BIT(5) | BIT(8) | BIT(10) | BIT(19)); /* AVX-VNNI-INT8, AVX-NE-CONVERT, AMX-COMPLEX, INT16, AVX10 */
  }
}

static void on_fault(int signal_number, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  const unsigned char *code = (const unsigned char *)registers[REG_RIP];
  if (info->si_code == SI_KERNEL && code[0] == 0x0f && code[1] == 0xa2) {
    unsigned a = registers[REG_RAX], b, c = registers[REG_RCX], d;
    const unsigned leaf = a, part = c;
    set_cpuid(1);
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    set_cpuid(0);
    take_away(leaf, part, &a, &b, &c, &d);
    registers[REG_RAX] = a, registers[REG_RBX] = b, registers[REG_RCX] = c, registers[REG_RDX] = d;
    registers[REG_RIP] += 2;
  } else if (theirs.sa_flags & SA_SIGINFO) {
    theirs.sa_sigaction(signal_number, info, context);
  } else if (theirs.sa_handler != SIG_DFL && theirs.sa_handler != SIG_IGN) {
    theirs.sa_handler(signal_number);
  } else {
    signal(SIGSEGV, SIG_DFL);
  }
}

/* Keeps the handler of SIGSEGV that others install behind the one above. */
int sigaction(int signal_number, const struct sigaction *action, struct sigaction *before) {
  if (real_sigaction == NULL) real_sigaction = dlsym(RTLD_NEXT, "sigaction");
  if (signal_number != SIGSEGV) return real_sigaction(signal_number, action, before);
  if (before != NULL) *before = theirs;
  if (action != NULL) theirs = *action;
  return 0;
}

__attribute__((constructor)) static void start(void) {
  const char *older = getenv("OLDER");
  is_sse = older != NULL && strcmp(older, "sse") == 0;
  real_sigaction = dlsym(RTLD_NEXT, "sigaction");
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  real_sigaction(SIGSEGV, &action, NULL);
  set_cpuid(0);
}
