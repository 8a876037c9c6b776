import hydra


@hydra.main(version_base="1.3", config_path="conf", config_name="train", execution_whitelist=["app.*"])
def main(cfg):
    print("TRAINED")


if __name__ == "__main__":
    main()
