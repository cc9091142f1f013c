"""PyTorch's float and QAT step of larger nets, one way a process: what `torch_qat_step.py` beside the checkout does for small ones.

    apt-get install -y python3-torch python3-torchvision      # Debian's own packages
    python3 torch_larger_step.py --net resnet18 --batch 16 --way qnnpack --layout contiguous --threads 2 --steps 6

Prints one JSON line: wall and processor time of a step, medians and minima in milliseconds, and the process's peak of
resident memory in MB, which is that of this way alone.
"""
import argparse
import json
import resource
import time
import warnings

import torch
import torch.nn as nn
import torch.nn.functional as functional

warnings.filterwarnings("ignore")

CLASSES = 10
ANCHORS = 3


def conv_bn_leaky(inputs, filters, size):
    return nn.Sequential(
        nn.Conv2d(inputs, filters, size, padding=size // 2, bias=False),
        nn.BatchNorm2d(filters, eps=1e-5),
        nn.LeakyReLU(0.1),
    )


class YoloV3Tiny(nn.Module):
    """models/arch/yolov3_tiny.ts: seven convolutions and pools, a bottleneck, two grids of boxes."""

    def __init__(self):
        super().__init__()
        filters = [3, 16, 32, 64, 128, 256, 512, 1024]
        self.body = nn.ModuleList(conv_bn_leaky(a, b, 3) for a, b in zip(filters, filters[1:]))
        self.pool = nn.MaxPool2d(2)
        self.last_pool = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.MaxPool2d(2, 1))
        self.neck = conv_bn_leaky(1024, 256, 1)
        self.up = nn.Sequential(conv_bn_leaky(256, 128, 1), nn.Upsample(scale_factor=2, mode="nearest"))
        boxes = ANCHORS * (5 + CLASSES)
        self.head_32 = nn.Sequential(conv_bn_leaky(256, 512, 3), nn.Conv2d(512, boxes, 1))
        self.head_16 = nn.Sequential(conv_bn_leaky(384, 256, 3), nn.Conv2d(256, boxes, 1))

    def forward(self, x):
        for conv in self.body[:4]:
            x = self.pool(conv(x))
        route = self.body[4](x)
        x = self.body[6](self.last_pool(self.body[5](self.pool(route))))
        neck = self.neck(x)
        return self.head_32(neck), self.head_16(torch.cat([self.up(neck), route], 1))


def torchvision_net(name):
    import torchvision

    return getattr(torchvision.models, name)(num_classes=CLASSES)


NETS = {
    "resnet18": (lambda: torchvision_net("resnet18"), 224),
    "resnet50": (lambda: torchvision_net("resnet50"), 224),
    "resnext50_32x4d": (lambda: torchvision_net("resnext50_32x4d"), 224),
    "yolov3_tiny": (YoloV3Tiny, 416),
}


def loss_of(net, answers, labels):
    if net != "yolov3_tiny":
        return functional.cross_entropy(answers, labels)
    return sum(functional.mse_loss(answer, torch.zeros_like(answer)) for answer in answers)


def prepared(net, way, x):
    model = NETS[net][0]().train()
    if way == "float":
        return model
    from torch.ao.quantization import get_default_qat_qconfig_mapping, quantize_fx

    return quantize_fx.prepare_qat_fx(model, get_default_qat_qconfig_mapping(way), (x,))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--net", choices=list(NETS), required=True)
    parser.add_argument("--way", choices=["float", "qnnpack", "fbgemm"], required=True)
    parser.add_argument("--layout", choices=["contiguous", "channels_last"], required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=6)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    side = NETS[args.net][1]
    form = torch.channels_last if args.layout == "channels_last" else torch.contiguous_format
    x = torch.rand(args.batch, 3, side, side) * 2 - 1
    labels = torch.arange(args.batch) % CLASSES
    model = prepared(args.net, args.way, x).to(memory_format=form)
    x = x.contiguous(memory_format=form)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    wall, cpu = [], []
    for _ in range(args.steps + 1):
        started = time.perf_counter(), time.process_time()
        optimizer.zero_grad()
        loss_of(args.net, model(x), labels).backward()
        optimizer.step()
        wall.append(1e3 * (time.perf_counter() - started[0]))
        cpu.append(1e3 * (time.process_time() - started[1]))
    wall, cpu = sorted(wall[1:]), sorted(cpu[1:])
    print(json.dumps(dict(
        peer=f"torch {torch.__version__}", net=args.net, batch=args.batch, way=args.way, layout=args.layout,
        median_ms=round(wall[len(wall) // 2], 1), min_ms=round(wall[0], 1),
        cpu_ms=round(cpu[len(cpu) // 2], 1), least_cpu_ms=round(cpu[0], 1),
        peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)))


if __name__ == "__main__":
    main()
